// Packs the package and installs it the way users do: scripts/package/ has the scenarios. Needs `npm run prebuilds` first.
//
//   --source       also builds it from source, twice
//   --versions     also runs other versions of Node.js, package managers and TypeScript
//   --all          both
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkContents } from './package/contents.mjs';
import { pack, packWithoutPrebuilds } from './package/pack.mjs';
import { pathWithoutCompilers } from './package/path.mjs';
import * as scenarios from './package/scenarios.mjs';
import * as versions from './package/versions.mjs';

const root = path.resolve(import.meta.dirname, '..');
const isAsked = (option) => process.argv.includes('--all') || process.argv.includes(option);
const scratch = mkdtempSync(path.join(os.tmpdir(), 'skipscan-package-'));

/** Runs a part, and says that it went well and how long it took. */
function part(name, work) {
  const start = performance.now();
  const result = work();
  console.log(`package: ${name}: ok (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  return result;
}

try {
  const packed = part('packed', () => pack(root, path.join(scratch, 'packed')));
  const sources = packWithoutPrebuilds(packed.tarball, path.join(scratch, 'sources'));
  const size = part('contents', () => checkContents(root, packed, sources));
  const modules = path.join(root, 'node_modules');
  const setting = {
    scratch,
    sources: sources.tarball,
    tarball: packed.tarball,
    bare: { ...process.env, PATH: pathWithoutCompilers(path.join(scratch, 'bin')) },
    typescript: path.join(modules, 'typescript', 'bin', 'tsc'),
    nodeTypes: path.join(modules, '@types', 'node'),
  };
  const project = part('prebuilt, no compiler', () => scenarios.prebuilt(setting));
  part('prebuilt, no scripts', () => scenarios.prebuiltWithoutScripts(setting));
  part('no binary, no compiler', () => scenarios.nothing(setting));
  part('no binary, no scripts', () =>
    scenarios.commandOfTheError({ ...setting, compilers: isAsked('--source') && process.env }),
  );
  if (isAsked('--source')) {
    part('from source', () => scenarios.fromSource({ ...setting, compilers: process.env }));
  }
  if (isAsked('--versions')) {
    const tool = part('other tools', () => versions.installTools(scratch));
    part('every Node.js', () => console.log(versions.everyNode({ tool }, project).join(', ')));
    part('an older TypeScript', () => versions.olderTypescript({ ...setting, tool }, project));
    part('package managers', () => versions.packageManagers({ ...setting, tool }));
  }
  console.log(`package: ok (${size})`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
