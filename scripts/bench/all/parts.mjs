import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** The floors of prefill are computed with this scan, whatever the machine's is: nanoseconds, as in targets.mjs. */
const floorScanNs = '0.10';

/** Policies whose speed is held against what their saved FLOPs allow. */
const policies = 'utrc,prune,recommended';

/**
 * What is run, in order: the limits first, from which the others' floors are computed. Each is a script, its arguments, and
 * what its report is called.
 *
 * @param limits the operators' report, where there is one
 */
export function partsOf({ threads, rounds, peers, python, models, limits }) {
  const common = ['--threads', String(threads), '--rounds', String(rounds)];
  const withLimits = limits ? ['--limits', limits] : [];
  const withPython = python ? ['--python', python] : [];
  const languageModel = (name, ...args) => ({
    name,
    script: 'language-model.mjs',
    args: [
      ...common,
      ...withLimits,
      ...['--floor-scan-ns', floorScanNs, '--models', models],
      ...(peers ? ['--peers', peers] : []),
      ...withPython,
      ...args,
    ],
  });
  const everything = ['--batch', '16', '--first-token'];
  const beside = ['--competitors', 'skipscan,node-llama-cpp'];
  const operatorThreads = [...new Set([1, threads])].join(',');
  return [
    {
      name: 'operators',
      script: 'operators.mjs',
      args: ['--threads', operatorThreads, '--rounds', String(rounds), '--seconds', '0.05'],
    },
    languageModel('f32', ...everything, '--thread-scaling'),
    languageModel('bf16', '--dtype', 'bf16', ...everything),
    languageModel(
      'bf16-q8_0',
      '--dtype',
      'bf16',
      '--peer-dtype',
      'q8_0',
      ...beside,
      '--shapes',
      'mamba-130m',
      '--decode',
      '0',
    ),
    languageModel('i8', '--dtype', 'i8', '--first-token', ...beside),
    // node-llama-cpp 3.22.1 ends with a segmentation fault when it decodes a batch with q8_0 weights.
    languageModel(
      'i8-batch',
      '--dtype',
      'i8',
      '--batch',
      '16',
      '--competitors',
      'skipscan',
      '--lengths',
      '512',
    ),
    { name: 'vision', script: 'vision.mjs', args: [...common, ...withLimits, ...withPython] },
    ...['mamba-130m', 'mamba2-130m'].map((shape) => ({
      name: `reduction-${shape}`,
      script: 'reduction.mjs',
      args: ['--shapes', shape, '--models', models, '--'],
      command: [...common, '--policies', policies, '--flops', '0.1,0.2,0.3', '--json'],
    })),
  ];
}

/**
 * Runs a part; what it prints is shown, but for a report that comes that way.
 *
 * @param file where the other reports are written
 * @returns the report
 * @throws Error when the script fails
 */
export function runPart({ script, args, command }, file) {
  const all = [join(folder, script), ...args, ...(command ?? ['--json', file])];
  const { status, stdout } = spawnSync(process.execPath, all, {
    stdio: ['ignore', command ? 'pipe' : 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`${script} ended with ${status}`);
  if (!command) return JSON.parse(readFileSync(file, 'utf8'));
  const report = JSON.parse(stdout);
  return {
    command: ['skipscan', 'bench', 'reduce', ...command].join(' '),
    ...report,
    model: basename(report.model),
  };
}
