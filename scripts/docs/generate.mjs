// The API reference in docs/api, made of the docstrings of what lib/api and lib/ops export. Without arguments it is written anew;
// with --check it is made elsewhere and compared, so that a docstring cannot change without it. Every warning is an error: what is
// public must be documented, what it mentions must be public, and links must lead somewhere.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Application } from 'typedoc';

const here = import.meta.dirname;
const reference = path.resolve(here, '../../docs/api');
const check = process.argv.includes('--check');
const out = check ? mkdtempSync(path.join(tmpdir(), 'skipscan-docs-')) : reference;

try {
  const options = path.join(here, 'typedoc.json');
  const app = await Application.bootstrapWithPlugins({ options, logLevel: 'Warn' });
  app.options.setValue('outputs', [{ name: 'markdown', path: out }]);
  const project = await app.convert();
  if (project) app.validate(project);
  if (project && clean(app)) await app.generateOutputs(project);
  if (!project || !clean(app)) throw new Error('The warnings above say which docstrings are not complete.');
  if (check) compare(pages(reference), pages(out));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (check) rmSync(out, { recursive: true });
}

function clean({ logger }) {
  return !logger.hasErrors() && !logger.hasWarnings();
}

/** Every file of a folder by its path in there. */
function pages(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file), readFileSync(file, 'utf8')];
    }),
  );
}

function compare(committed, made) {
  const names = [...new Set([...committed.keys(), ...made.keys()])];
  const stale = names.filter((name) => committed.get(name) !== made.get(name));
  if (stale.length === 0) return console.log('docs: ok');
  throw new Error(`docs/api is not what the docstrings say: ${stale.join(', ')}. Run: npm run docs`);
}
