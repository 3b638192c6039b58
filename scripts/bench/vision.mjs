#!/usr/bin/env node
/**
 * Images per second of ViM with random weights: skipscan beside PyTorch, in one run. Both compute the same logits first, then
 * they are measured in turns. See README.md; `skipscan bench vision` measures what removing tokens gains.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeRandomVisionModel } from '../../dist/cli/random-vision-model.js';
import { randomImages } from '../../dist/cli/vision-bench.js';
import { publishedConfig, visionModelNames } from '../../dist/models/vision-names.js';
import { Competitor } from './competitor.mjs';
import { machineFacts, sourceCommit } from './machine.mjs';
import { describeMachine, resultTable } from './report.mjs';
import { runScript } from './run-script.mjs';
import { disturbance, measureInTurns, ratiosToPeers } from './turns.mjs';

const models = visionModelNames.filter((name) => name.startsWith('vim'));

const usage = `Usage: node scripts/bench/vision.mjs [options]

  --python PATH   a Python that has torch; without one skipscan is measured alone
  --models LIST   ${models.join(', ')}   (default vim-small)
  --batch LIST    images of one pass                  (default 1,8)
  --threads N     of each                             (default 2)
  --rounds N      measurements of each                (default 5)
  --json FILE     also write everything as JSON
`;

/** How far apart logits may be. Two float32 engines differ by the order of their sums. */
const tolerance = 0.001;

async function main(options) {
  const peer = options.python && hasTorch(options.python);
  if (!peer) process.stderr.write(peerInstallation);
  const report = {
    command: ['node', 'scripts/bench/vision.mjs', ...process.argv.slice(2)].join(' '),
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
  if (options.json) {
    mkdirSync(dirname(options.json), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

/** Everything about one model: weights, engines, check, measurements. Prints as it goes. */
async function benchmark(name, { peer, python, batches, threads, rounds }) {
  const folder = mkdtempSync(join(os.tmpdir(), 'skipscan-bench-'));
  const competitors = [new Competitor('skipscan', { program: 'skipscan-vision.mjs' })];
  if (peer) competitors.push(new Competitor('pytorch', { program: 'vim_torch.py', interpreter: python }));
  try {
    const config = publishedConfig(name);
    const path = join(folder, 'model.safetensors');
    writeRandomVisionModel(path, config);
    console.log(`\n${name}, ${config.imageSize.join(' x ')} pixels`);
    const loaded = [];
    for (const competitor of competitors) {
      const facts = await competitor.call('load', { path, name, config, threads });
      loaded.push({ name: competitor.name, ...facts });
      console.log(`  ${competitor.name} ${facts.version} (${facts.engine}), ${threads} threads`);
    }
    const results = [];
    for (const batch of batches) {
      results.push(await measure(join(folder, 'images'), batch, config, competitors, rounds));
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

function hasTorch(python) {
  const { status, error, stderr } = spawnSync(python, ['-c', 'import torch'], { encoding: 'utf8' });
  if (status === 0) return true;
  const reason = error ? error.message : stderr.trim().split('\n').at(-1);
  process.stderr.write(`${python} cannot be used: ${reason}\n`);
  return false;
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
      json: text,
    },
  });
  const names = values.models.split(',');
  const unknown = names.find((name) => !models.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`--models: found ${JSON.stringify(unknown)}, expected ${models.join(', ')}`);
  }
  return {
    help: values.help ?? false,
    python: values.python,
    models: names,
    batches: values.batch.split(',').map((batch) => wholeNumber('batch', batch)),
    threads: wholeNumber('threads', values.threads),
    rounds: wholeNumber('rounds', values.rounds),
    json: values.json,
  };
}

function wholeNumber(name, value) {
  if (/^\d+$/.test(value) && Number(value) > 0) return Number(value);
  throw new TypeError(`--${name}: found ${JSON.stringify(value)}, expected a whole number from 1`);
}

await runScript({ usage, parseOptions, main });
