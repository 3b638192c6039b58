import Module from 'node:module';
import path from 'node:path';
import { type NodePath, type PluginObj, types as t, transformSync } from '@babel/core';
import { counters } from './coverage';

/** The name under which instrumented code finds `counters`. */
const name = '__fuzzCounters';

/** What the instrumented code compares with or names: the fuzzer tries these values. */
export type Literals = { strings: Set<string>; numbers: Set<number> };
export const literals: Literals = { strings: new Set(), numbers: new Set() };

let places = 0;

/** Counts an execution of `block`, which becomes `{ counter; block }`. */
function count(block: NodePath<t.Statement | null | undefined>): void {
  const counter = t.expressionStatement(increment());
  if (!block.node) block.replaceWith(t.blockStatement([counter]));
  else
    block.replaceWith(
      t.blockStatement([counter, ...(block.isBlockStatement() ? block.node.body : [block.node])]),
    );
}

/** The same for an expression: `(counter, expression)`. */
function countExpression(path: NodePath<t.Expression>): void {
  path.replaceWith(t.sequenceExpression([increment(), path.node]));
}

function increment(): t.Expression {
  const place = places++ % counters.length;
  return t.updateExpression('++', t.memberExpression(t.identifier(name), t.numericLiteral(place), true));
}

/** Counts every branch: functions, both ways of a condition, loops, cases, catches, the right side of `&&`, `||` and `??`. */
const plugin: PluginObj = {
  visitor: {
    Function: {
      exit({ node }) {
        if (t.isBlockStatement(node.body)) node.body.body.unshift(t.expressionStatement(increment()));
        else node.body = t.sequenceExpression([increment(), node.body]);
      },
    },
    IfStatement: {
      exit(path) {
        count(path.get('consequent'));
        count(path.get('alternate'));
      },
    },
    Loop: { exit: (path) => count(path.get('body')) },
    SwitchCase: { exit: ({ node }) => void node.consequent.unshift(t.expressionStatement(increment())) },
    CatchClause: { exit: ({ node }) => void node.body.body.unshift(t.expressionStatement(increment())) },
    ConditionalExpression: {
      exit(path) {
        countExpression(path.get('consequent'));
        countExpression(path.get('alternate'));
      },
    },
    LogicalExpression: { exit: (path) => countExpression(path.get('right')) },
    StringLiteral({ node: { value } }) {
      if (value.length > 0 && value.length < 40 && !value.startsWith('.')) literals.strings.add(value);
    },
    NumericLiteral({ node: { value } }) {
      literals.numbers.add(value);
    },
  },
};

/** JavaScript (CommonJS) that counts where it went. */
export function instrument(code: string, filename: string): string {
  (globalThis as Record<string, unknown>)[name] = counters;
  const options = { filename, plugins: [plugin], configFile: false, babelrc: false, compact: false };
  return transformSync(code, options)!.code!;
}

/** From now on, `require` instruments the TypeScript in `folder`, which typescript-hook.cjs makes it understand. */
export function instrumentFolder(folder: string): void {
  const extensions = (Module as unknown as { _extensions: Record<string, Loader> })._extensions;
  const load = extensions['.ts'];
  extensions['.ts'] = (module, file) => {
    if (file.startsWith(folder + path.sep)) {
      const compile = module._compile;
      module._compile = (code, name) => compile.call(module, instrument(code, name), name);
    }
    load(module, file);
  };
}
type Loader = (module: { _compile(code: string, file: string): void }, file: string) => void;
