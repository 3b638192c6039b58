import path from 'node:path';
import { checkBinaryFile } from './diagnosis/binary-file';
import type { Finding } from './diagnosis/finding';
import { explainLoadFailure, loadFailureMessage } from './diagnosis/load-failure';
import { SkipscanError } from './errors';
import type { Native } from './native-types';
import { packageVersion } from './version';

const addons = require('node-gyp-build') as { path(packageRoot: string): string };
export const packageRoot = path.resolve(__dirname, '..');
let loaded: Native | undefined;

/** The file of the addon: of the folder that SKIPSCAN_PREBUILD names, built here, or of prebuilds/. Throws if there is none. */
export const addonFile = (): string => addons.path(packageRoot);

/** @throws Error in the loader's words, which lib/diagnosis/load-failure.ts knows the meanings of */
function open(): Native {
  const file = addonFile();
  checkBinaryFile(file);
  const addon = require(file) as Native;
  const { version = 'unknown' } = addon.buildInfo();
  if (version !== packageVersion) {
    throw new Error(`the binary is of version ${version}, the package of version ${packageVersion}`);
  }
  return addon;
}

function load(): Native {
  try {
    loaded ??= open();
    return loaded;
  } catch (cause) {
    throw new SkipscanError('ERR_NATIVE', loadFailureMessage((cause as Error).message, packageRoot), {
      cause,
    });
  }
}

/** Why the addon does not load; nothing where it does. */
export function loadFailure(): Finding | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    const { message } = (error as SkipscanError).cause as Error;
    return explainLoadFailure(message, packageRoot);
  }
}

/**
 * The addon. It is loaded when something of it is first used, so that the package can be imported, and can say what is
 * wrong, where the addon is missing.
 *
 * @throws SkipscanError `ERR_NATIVE` on that first use, with a diagnosis and a command to run.
 */
export const native: Native = new Proxy({} as Native, { get: (_, name) => Reflect.get(load(), name) });
