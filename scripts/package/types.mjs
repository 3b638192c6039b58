// The package's types in projects of TypeScript: strict, with the declarations themselves checked too.
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect } from './project.mjs';

const source = (model) => `
import { loadLanguageModel, SkipscanError, Tensor, ops, prune, type GenerateOptions, type Session } from 'skipscan';

const options: GenerateOptions = { maxNewTokens: 8, signal: new AbortController().signal };

async function main(): Promise<string> {
  const model = await loadLanguageModel(${JSON.stringify(model)});
  let text = '';
  for await (const piece of model.generate('We the people', options)) text += piece.text;
  const session: Session = model.createSession();
  session.dispose();
  await model.dispose();
  const sum: number = Tensor.zeros([2, 3]).size;
  if (sum !== 6 || typeof ops !== 'object' || typeof prune !== 'function') throw new SkipscanError('ERR_ARGUMENT', 'no');
  // @ts-expect-error a word is no number
  const wrong: GenerateOptions = { maxNewTokens: 'eight' };
  return wrong && text;
}
main().then((text) => console.log(JSON.stringify(text)));
`;

/** How projects resolve modules, and what types of the platform they have: a browser's (TypeScript's default) or Node's. */
const resolutions = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
];
const platforms = { default: {}, node: { lib: ['es2022'], types: ['node'] } };

/**
 * @param compiler the path of tsc
 * @param types the folder @types/node to link in
 */
export function checkTypes(project, compiler, types) {
  const scope = path.join(project.folder, 'node_modules', '@types');
  mkdirSync(scope, { recursive: true });
  if (!readdirSync(scope).includes('node')) symlinkSync(types, path.join(scope, 'node'));
  const program = source(path.join(project.installed, 'models', 'tiny-mamba2'));
  project.write('typed.cts', program);
  project.write('typed.mts', program);
  for (const [module, moduleResolution] of resolutions) {
    for (const [name, platform] of Object.entries(platforms)) {
      const files = moduleResolution === 'bundler' ? ['typed.mts'] : ['typed.cts', 'typed.mts'];
      const compilerOptions = {
        ...{ module, moduleResolution, target: 'es2022', strict: true, skipLibCheck: false },
        ...{ types: [], outDir: `typed-${module}-${name}`, ...platform },
      };
      const config = `tsconfig.${module}.${name}.json`;
      project.write(config, JSON.stringify({ compilerOptions, files }));
      const { status, output } = project.run(process.execPath, compiler, '-p', config);
      expect(status === 0, `types do not fit a project with ${config}`, output);
      for (const file of files) {
        project.print(process.execPath, path.join(compilerOptions.outDir, file.replace('ts', 'js')));
      }
    }
  }
}
