#!/usr/bin/env node
/**
 * `skipscan bench reduce` on models of published shapes with random weights, which are written where they are missing. The
 * papers' kind of schedule, a cut of 30 % and all policies, unless told otherwise. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { huggingFaceModel, modelsDirectory } from './models.mjs';
import { runScript } from './run-script.mjs';
import { shapes } from './shapes.mjs';

const usage = `Usage: node scripts/bench/reduction.mjs [options] [-- options of skipscan bench reduce]

  --shapes LIST   ${Object.keys(shapes).join(', ')}   (default mamba-130m,mamba2-130m)
  --models DIR    where the models are kept   (default in the temporary folder)
  --plots DIR     write a plot of each shape there, such as mamba-130m.svg

What follows -- goes to skipscan bench reduce, after --length 2048 --flops 0.3; skipscan bench reduce --help lists it.
`;

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Ends with the benchmark's own exit code. */
async function main(options) {
  if (options.plots) mkdirSync(options.plots, { recursive: true });
  for (const name of options.shapes) {
    const model = await huggingFaceModel(options.models, name, shapes[name]);
    const benchmark = ['bench', 'reduce', '--model', model, '--length', '2048', '--flops', '0.3'];
    if (options.plots) benchmark.push('--plot', join(options.plots, `${name}.svg`));
    const { status } = spawnSync(process.execPath, [program, ...benchmark, ...options.rest], {
      stdio: 'inherit',
    });
    if (status !== 0) return status ?? 1;
  }
  return 0;
}

function parseOptions(args) {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const { values } = parseArgs({
    args: args.slice(0, end),
    options: {
      help: { type: 'boolean' },
      shapes: { type: 'string', default: 'mamba-130m,mamba2-130m' },
      models: { type: 'string', default: modelsDirectory },
      plots: { type: 'string' },
    },
  });
  const names = values.shapes.split(',');
  const unknown = names.find((name) => !Object.hasOwn(shapes, name));
  if (unknown !== undefined) {
    throw new TypeError(
      `--shapes: found ${JSON.stringify(unknown)}, expected ${Object.keys(shapes).join(', ')}`,
    );
  }
  const { help, plots } = values;
  return { help, shapes: names, models: resolve(values.models), plots, rest: args.slice(end + 1) };
}

await runScript({ usage, parseOptions, main });
