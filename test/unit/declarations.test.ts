import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const dist = path.resolve(__dirname, '../../dist');

/** The declarations that a program reads which imports the package, each with the packages that it asks for. */
function publicDeclarations(): Map<string, { text: string; packages: string[] }> {
  const found = new Map<string, { text: string; packages: string[] }>();
  const waiting = [path.join(dist, 'index.d.ts')];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    const text = readFileSync(file, 'utf8');
    const packages: string[] = [];
    for (const [, from, imported] of text.matchAll(/(?:from|import) '([^']+)'|import\("([^"]+)"\)/g)) {
      const target = from ?? imported;
      if (!target.startsWith('.')) {
        packages.push(target);
        continue;
      }
      const base = path.resolve(path.dirname(file), target);
      waiting.push(existsSync(`${base}.d.ts`) ? `${base}.d.ts` : path.join(base, 'index.d.ts'));
    }
    found.set(file, { text, packages });
  }
  return found;
}

describe('published declarations', () => {
  const declarations = publicDeclarations();

  test('reach every part of the package that is public', () => {
    expect(declarations.size).toBeGreaterThan(50);
    for (const part of ['models/language-model', 'models/vision-model', 'ops/selective-scan', 'errors']) {
      expect([part, declarations.has(path.join(dist, `${part}.d.ts`))]).toEqual([part, true]);
    }
  });

  test("need no other package's types", () => {
    // A dependency's declarations, such as those of sharp, would bring their own demands on a user's compiler.
    const foreign = [...declarations].filter(([, { packages }]) => packages.length > 0);
    expect(foreign.map(([file, { packages }]) => [path.relative(dist, file), packages])).toEqual([]);
  });

  test('have nothing in them that is internal', () => {
    const internal = [...declarations].filter(([, { text }]) => text.includes('@internal'));
    expect(internal.map(([file]) => path.relative(dist, file))).toEqual([]);
    for (const file of [
      'models/language-model',
      'models/session',
      'models/vision-model',
      'tensor',
      'scan-path',
    ]) {
      const { text } = declarations.get(path.join(dist, `${file}.d.ts`))!;
      expect([
        file,
        text.match(/^ *(readonly|get|private) (native|calls|fingerprint|reduction|memory)\b.*|\bNative\w+/gm),
      ]).toEqual([file, null]);
    }
  });

  test('bring the types of disposing along, which es2022 does not have', () => {
    expect(declarations.get(path.join(dist, 'index.d.ts'))?.text).toContain(
      '/// <reference lib="esnext.disposable"',
    );
  });
});
