import path from 'node:path';
import { SkipscanError } from './errors';
import type { Native } from './native-types';

const loadAddon = require('node-gyp-build') as (packageRoot: string) => Native;
const packageRoot = path.resolve(__dirname, '..');
let loaded: Native | undefined;

function load(): Native {
  try {
    loaded ??= loadAddon(packageRoot);
    return loaded;
  } catch (cause) {
    const problem = (cause as Error).message ?? String(cause);
    throw new SkipscanError('ERR_NATIVE', diagnose(problem, packageRoot), { cause });
  }
}

/**
 * The addon. It is loaded when something of it is first used, so that the package can be imported, and can say what is
 * wrong, where the addon is missing.
 *
 * @throws SkipscanError `ERR_NATIVE` on that first use, with a diagnosis and a command to run.
 */
export const native: Native = new Proxy({} as Native, { get: (_, name) => Reflect.get(load(), name) });

/** Why the addon did not load and what to do, from the loader's message. */
export function diagnose(
  problem: string,
  directory: string,
  platform: string = process.platform,
  arch: string = process.arch,
): string {
  const failed = `skipscan's native engine for ${platform}-${arch} could not be loaded: `;
  const compiler =
    'That needs cmake 3.20 or newer, make and a C++20 compiler (g++ 11 or clang 14, or newer).';
  if (platform !== 'linux' && platform !== 'darwin') {
    return `${failed}this platform is not supported. Expected linux or darwin; on Windows use WSL.`;
  }
  if (problem.startsWith('No native build was found')) {
    return (
      `${failed}found no binary below ${directory}; the install script failed or was not allowed to run. ` +
      `To build one, run: npm rebuild skipscan --ignore-scripts=false\n${compiler}`
    );
  }
  if (/GLIBC|CXXABI/.test(problem)) {
    return (
      `${failed}the binary expects newer system libraries than this machine has (${problem}). ` +
      `To build one for it, run: npm rebuild skipscan --ignore-scripts=false --build-from-source\n${compiler}`
    );
  }
  return (
    `${failed}${problem}. The binary is damaged or was made for another platform, as when node_modules is copied between ` +
    `machines. To replace it, run: npm rebuild skipscan --ignore-scripts=false --build-from-source\n${compiler}`
  );
}
