import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '../..');
const emulator = readdirSync(__dirname)
  .filter((file) => file.endsWith('.cc'))
  .map((file) => join(__dirname, file));

/** What watches a program while it runs. */
export type Sanitizer = 'none' | 'address,undefined' | 'thread';

/** Compiles C++ and CUDA sources with the emulated GPU into `program`. */
export async function buildEmulated(program: string, sources: string[], sanitizer: Sanitizer): Promise<void> {
  const options = ['-std=c++20', '-O1', '-g1', '-DSKIPSCAN_EMULATED_GPU'];
  const includes = [`-I${join(root, 'csrc')}`, `-I${join(root, 'test')}`];
  const watched = sanitizer === 'none' ? [] : [`-fsanitize=${sanitizer}`, '-fno-sanitize-recover=all'];
  // -rdynamic, so that messages can name kernels.
  const linking = ['-rdynamic', '-pthread', '-ldl', '-o', program];
  await promisify(execFile)('g++', [
    ...options,
    ...watched,
    ...includes,
    ...['-x', 'c++', ...sources, ...emulator, '-x', 'none'],
    ...linking,
  ]);
}

/** How a program ended. */
export interface Run {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of the emulated GPU, with settings such as SIMT_ORDER. */
export function runEmulated(program: string, args: string[], settings: Record<string, string> = {}): Run {
  const env = { ...process.env, TSAN_OPTIONS: 'halt_on_error=1:atexit_sleep_ms=0', ...settings };
  const run = spawnSync(program, args, { env, encoding: 'utf8' });
  if (run.error) throw run.error;
  return { status: run.status, signal: run.signal, stdout: run.stdout, stderr: run.stderr };
}
