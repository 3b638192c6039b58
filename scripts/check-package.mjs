// Packs the package and installs it the way users do: into an empty project, with the binary of prebuilds/ and without any
// compiler on the PATH; then runs it by require, by import and from the command line. Needs `npm run build:ts` and
// `npm run prebuilds` first.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const platform = `${process.platform}-${process.arch}`;
if (!existsSync(path.join(root, 'prebuilds', platform))) {
  console.error(`found no prebuilds/${platform}; run: npm run prebuilds`);
  process.exit(1);
}

const scratch = mkdtempSync(path.join(os.tmpdir(), 'skipscan-package-'));
const project = path.join(scratch, 'project');
const bin = path.join(scratch, 'bin');
mkdirSync(project);
mkdirSync(bin);

/** A PATH with what npm itself needs, and nothing that compiles. */
const isCompiler =
  /^(c\+\+|g\+\+|gcc|cc|clang|clang\+\+|nvcc|cmake|make|gmake|ninja|python3?|node-gyp)(-[\d.]+)?$/;
for (const folder of [path.dirname(process.execPath), '/usr/bin', '/bin']) {
  for (const name of readdirSync(folder)) {
    const link = path.join(bin, name);
    if (!isCompiler.test(name) && !existsSync(link)) {
      try {
        symlinkSync(path.join(folder, name), link);
      } catch {
        // Two folders may hold the same dangling name.
      }
    }
  }
}
const env = { ...process.env, PATH: bin };
const run = (command, args, cwd = project) => execFileSync(command, args, { cwd, env, encoding: 'utf8' });

try {
  const [{ filename, size }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], root),
  );
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--no-audit', '--no-fund', path.join(scratch, filename)]);

  const body = `
    const model = await skipscan.loadLanguageModel('node_modules/skipscan/models/tiny-mamba2');
    let text = '';
    for await (const piece of model.generate('We the people', { maxNewTokens: 8 })) text += piece.text;
    await model.dispose();
    console.log(JSON.stringify(text));`;
  writeFileSync(
    path.join(project, 'a.cjs'),
    `const skipscan = require('skipscan'); (async () => {${body}})();`,
  );
  writeFileSync(path.join(project, 'b.mjs'), `import * as skipscan from 'skipscan'; ${body}`);
  writeFileSync(
    path.join(project, 'c.mjs'),
    `import { loadLanguageModel } from 'skipscan'; const skipscan = { loadLanguageModel }; ${body}`,
  );
  const outputs = ['a.cjs', 'b.mjs', 'c.mjs'].map((file) => run(process.execPath, [file]));
  const line = run(path.join(project, 'node_modules', '.bin', 'skipscan'), [
    'generate',
    'We the people',
    '-n',
    '8',
    '--json',
  ]);
  outputs.push(`${JSON.stringify(JSON.parse(line).text)}\n`);
  if (new Set(outputs).size !== 1 || JSON.parse(outputs[0]).length === 0) {
    throw new Error(
      `require, named import, import and the command line gave different texts: ${outputs.join('')}`,
    );
  }
  if (existsSync(path.join(project, 'node_modules', 'skipscan', 'build')))
    throw new Error('it was compiled, not installed');
  console.log(`package: ok (${(size / 1e6).toFixed(1)} MB, installed without a compiler on ${platform})`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
