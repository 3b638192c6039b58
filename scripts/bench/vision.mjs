#!/usr/bin/env node
/**
 * Images per second of ViM with random weights: skipscan beside PyTorch, in one run. Both compute the same logits first, then
 * they are measured in turns. See README.md; `skipscan bench vision` measures what removing tokens gains.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeRandomVisionModel } from '../../dist/cli/random-vision-model.js';
import { randomImages } from '../../dist/cli/vision-bench.js';
import { publishedConfig, visionModelNames } from '../../dist/models/vision-names.js';
import { list, oneOf, wholeNumber } from './arguments.mjs';
import { Competitor } from './competitor.mjs';
import { commandOf, machineFacts, sourceCommit } from './machine.mjs';
import { readLimits } from './operators/limits.mjs';
import { pythonHas } from './python.mjs';
import { describeMachine, resultTable, writeReport } from './report.mjs';
import { runScript } from './run-script.mjs';
import { imageProductFlops } from './shapes.mjs';
import { disturbance, measureInTurns, ratiosToPeers } from './turns.mjs';

const models = visionModelNames.filter((name) => name.startsWith('vim'));

const usage = `Usage: node scripts/bench/vision.mjs [options]

  --python PATH   a Python that has torch; without one skipscan is measured alone
  --models LIST   ${models.join(', ')}   (default vim-small)
  --batch LIST    images of one pass                  (default 1,8)
  --threads N     of each                             (default 2)
  --rounds N      measurements of each                (default 5)
  --limits FILE   what the machine reaches at best, as bench:operators --json wrote it: vim-small's floor
  --json FILE     also write everything as JSON
`;

/** How far apart logits may be. Two float32 engines differ by the order of their sums. */
const tolerance = 0.001;

async function main(options) {
  const peer = options.python && pythonHas(options.python, 'torch');
  if (!peer) process.stderr.write(peerInstallation);
  const report = {
    command: commandOf('vision.mjs'),
    date: new Date().toISOString(),
    machine: machineFacts(),
    skipscanCommit: sourceCommit(dirname(fileURLToPath(import.meta.url))),
    threads: options.threads,
    rounds: options.rounds,
    models: [],
  };
  console.log(describeMachine(report));
  for (const name of options.models) report.models.push(await benchmark(name, { ...options, peer }));

  const disturbed = disturbance(report.models.flatMap(({ results }) => results));
  if (disturbed) console.log(disturbed);
  if (options.json) writeReport(options.json, report);
}

/** Everything about one model: weights, engines, check, measurements. Prints as it goes. */
async function benchmark(name, { peer, python, batches, threads, rounds, limits }) {
  const folder = mkdtempSync(join(os.tmpdir(), 'skipscan-bench-'));
  const competitors = [new Competitor('skipscan', { program: 'skipscan-vision.mjs' })];
  if (peer) competitors.push(new Competitor('pytorch', { program: 'vim_torch.py', interpreter: python }));
  try {
    const config = publishedConfig(name);
    const path = join(folder, 'model.safetensors');
    await writeRandomVisionModel(path, config);
    console.log(`\n${name}, ${config.imageSize.join(' x ')} pixels`);
    const loaded = [];
    for (const competitor of competitors) {
      const facts = await competitor.call('load', { path, name, config, threads });
      loaded.push({ name: competitor.name, ...facts });
      console.log(`  ${competitor.name} ${facts.version} (${facts.engine}), ${threads} threads`);
    }
    const { gflops } = limits ? readLimits(limits, { model: name, dtype: 'f32', threads }) : {};
    const floor = gflops ? (gflops * 1e9) / imageProductFlops(config) : undefined;
    const results = [];
    for (const batch of batches) {
      const result = await measure(join(folder, 'images'), batch, config, competitors, rounds);
      const share = floor && result.imagesPerSecond.skipscan.median / floor;
      results.push({ ...result, floor, share });
    }
    console.log(
      resultTable(
        results,
        competitors.map((competitor) => competitor.name),
        'imagesPerSecond',
        'images/s',
      ),
    );
    const idle = Object.fromEntries(competitors.map((competitor) => [competitor.name, competitor.idleCores]));
    return { name, loaded, results, idle };
  } finally {
    for (const competitor of competitors) competitor.close();
    rmSync(folder, { recursive: true });
  }
}

/** One batch size: the same images for all, compared before they are timed. */
async function measure(path, batch, { imageSize: [height, width] }, competitors, rounds) {
  writeFileSync(path, randomImages(batch, height, width));
  for (const competitor of competitors) {
    await competitor.call('images', { path, shape: [batch, 3, height, width] });
  }
  const agreement = await check(competitors);
  const task = { kind: 'forward', amount: batch };
  const { rates, otherCores } = await measureInTurns(task, competitors, rounds);
  return {
    name: `batch ${batch}`,
    agreement,
    imagesPerSecond: rates,
    ratios: ratiosToPeers(rates),
    otherCores,
  };
}

/** The greatest difference of two engines' logits: a wrong engine is not worth timing. It warms both up as well. */
async function check(competitors) {
  const logits = [];
  for (const competitor of competitors) logits.push(await competitor.call('logits'));
  if (logits.length < 2) return undefined;
  const difference = Math.max(...logits[0].map((logit, i) => Math.abs(logit - logits[1][i])));
  if (!(difference <= tolerance)) {
    throw new Error(`the logits of the two engines differ by ${difference}; expected at most ${tolerance}`);
  }
  const largest = Math.max(...logits[0].map(Math.abs));
  console.log(
    `  checked: ${logits[0].length} logits of up to ${largest.toFixed(2)} differ by at most ${difference.toExponential(1)}`,
  );
  return { difference, largest };
}

const peerInstallation = `There is no PyTorch to compare with, so skipscan is measured alone. To have one:
  python3 -m venv peers && peers/bin/pip install torch   (the build for the CPU is enough)
then pass --python peers/bin/python.
`;

function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      python: text,
      models: { ...text, default: 'vim-small' },
      batch: { ...text, default: '1,8' },
      threads: { ...text, default: '2' },
      rounds: { ...text, default: '5' },
      limits: text,
      json: text,
    },
  });
  return {
    help: values.help ?? false,
    python: values.python,
    models: list(values, 'models').map((name) => oneOf('models', name, models)),
    batches: list(values, 'batch').map((batch) => wholeNumber('batch', batch, 1)),
    threads: wholeNumber('threads', values.threads, 1),
    rounds: wholeNumber('rounds', values.rounds, 1),
    limits: values.limits,
    json: values.json,
  };
}

await runScript({ usage, parseOptions, main });
