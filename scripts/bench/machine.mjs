import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { basename, isAbsolute } from 'node:path';

/** Instruction sets that decide which kernels an engine can run, by their names in /proc/cpuinfo. */
const instructionSets = [
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_bf16',
  'asimd',
  'bf16',
  'sve',
];

/** What a result depends on besides the programs: printed with every benchmark and kept in its JSON. */
export function machineFacts() {
  const [cpu] = os.cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    instructionSets: cpuFlags().filter((flag) => instructionSets.includes(flag)),
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    loadAverage: os.loadavg()[0],
  };
}

/** A name for the folder of a machine's results, such as intel-xeon-processor-2-cores. */
export function machineName({ cpu, cores }) {
  const words = cpu
    .replace(/\((R|TM)\)/gi, ' ')
    .toLowerCase()
    .match(/[a-z0-9.]+/g) ?? ['unknown'];
  return [...words, cores, cores === 1 ? 'core' : 'cores'].join('-');
}

/** The command that runs one of these scripts as this process was called; of folders and files only the names. */
export function commandOf(script) {
  const args = process.argv.slice(2).map((arg) => (isAbsolute(arg) ? basename(arg) : arg));
  return ['node', `scripts/bench/${script}`, ...args].join(' ');
}

/** What the processor can do, as /proc/cpuinfo names it; empty where there is no such file. */
export function cpuFlags() {
  try {
    const line = readFileSync('/proc/cpuinfo', 'utf8').match(/^(?:flags|Features)\s*:(.*)$/m);
    return line?.[1].trim().split(/\s+/) ?? [];
  } catch {
    return []; // not Linux
  }
}

/** The commit of the sources in `directory`, marked when files differ from it; undefined outside a git checkout. */
export function sourceCommit(directory) {
  try {
    const git = (...args) =>
      execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return (
      git('rev-parse', '--short', 'HEAD').trim() + (git('status', '--porcelain').trim() ? ' (modified)' : '')
    );
  } catch {
    return undefined;
  }
}

/** Seconds that all cores together have been busy since the machine started. */
export function busySeconds() {
  let milliseconds = 0;
  for (const { times } of os.cpus()) milliseconds += times.user + times.nice + times.sys + times.irq;
  return milliseconds / 1000;
}
