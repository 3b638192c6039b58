#!/usr/bin/env node
/**
 * Prefill and decode of models with random weights, skipscan against node-llama-cpp, in one run: both engines are loaded
 * at the same time, checked against each other, then measured in turns. See README.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareLogits, logitsAsked } from './agreement.mjs';
import { Competitor } from './competitor.mjs';
import { machineFacts, sourceCommit } from './machine.mjs';
import { ggufModel, huggingFaceModel } from './models.mjs';
import { findPeer, parseOptions, peerInstallation, usage } from './options.mjs';
import { describeCompetitor, describeCounts, describeMachine, resultTable } from './report.mjs';
import { runScript } from './run-script.mjs';
import { counts, floors, shapes } from './shapes.mjs';
import { disturbance, measureInTurns, ratioTo } from './turns.mjs';

/** Tokens before a decode, and tokens that the check reads one by one after each prompt. */
const decodePrompt = 16;
const checkSteps = 8;

async function main(options) {
  const peerEntry = findPeer(options.peers);
  if (options.competitors.includes('node-llama-cpp') && !peerEntry) process.stderr.write(peerInstallation);
  const names = options.competitors.filter((name) => name !== 'node-llama-cpp' || peerEntry);
  if (names.length === 0) throw new Error('there is nothing to measure');
  const report = {
    command: ['node', 'scripts/bench/language-model.mjs', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString(),
    machine: machineFacts(),
    skipscanCommit: sourceCommit(dirname(fileURLToPath(import.meta.url))),
    absent: options.competitors.filter((name) => !names.includes(name)),
    threads: options.threads,
    rounds: options.rounds,
    shapes: [],
  };
  console.log(describeMachine(report));
  for (const name of options.shapes) {
    report.shapes.push(await benchmark(name, names, { ...options, peerEntry }));
  }

  const disturbed = disturbance(report.shapes.flatMap((shape) => shape.results));
  if (disturbed) console.log(disturbed);
  if (options.json) {
    mkdirSync(dirname(options.json), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

/** Everything about one shape: models, engines, check, measurements. Prints as it goes. */
async function benchmark(name, names, options) {
  const shape = shapes[name];
  const { dtype, limits } = options;
  console.log(`\n${name}\n${describeCounts(counts(shape, dtype))}`);
  const competitors = [];
  try {
    const loaded = [];
    for (const competitorName of names) {
      const settings = loadSettings(competitorName, name, options);
      const competitor = new Competitor(competitorName);
      competitors.push(competitor);
      const facts = await competitor.call('load', settings);
      loaded.push({ name: competitorName, dtype: settings.dtype, threads: options.threads, ...facts });
      console.log(describeCompetitor(loaded.at(-1)));
    }
    const agreement = await check(shape, competitors, options);
    const results = [];
    for (const task of tasks(shape, options)) {
      const result = await measure(task, competitors, options.rounds);
      results.push(withFloor(result, floors(shape, dtype, limits)[task.kind]));
    }
    console.log(resultTable(results, options.competitors, 'tokensPerSecond', 'tokens/s'));
    const idle = Object.fromEntries(competitors.map((competitor) => [competitor.name, competitor.idleCores]));
    return { name, counts: counts(shape, dtype), limits, loaded, agreement, results, idle };
  } finally {
    for (const competitor of competitors) competitor.close();
  }
}

/** What is measured: `kind` is the competitors' method, `tokens` how many it works through. */
function tasks(shape, { lengths, decode }) {
  const list = lengths.map((length) => ({
    name: `prefill ${length}`,
    kind: 'prefill',
    tokens: length,
    argument: { prompt: prompt(shape, length) },
  }));
  if (decode > 0) {
    const argument = { prompt: prompt(shape, decodePrompt), count: decode };
    list.push({ name: `decode ${decode}`, kind: 'decode', tokens: decode, argument });
  }
  return list;
}

/** What a competitor's `load` is called with; writes the model where it is missing. */
function loadSettings(competitor, name, { models, dtype, peerDtype, peerEntry, threads, lengths, decode }) {
  if (competitor === 'skipscan')
    return { path: huggingFaceModel(models, name, shapes[name]), dtype, threads };
  const longest = Math.max(...lengths, decodePrompt + decode) + checkSteps;
  return {
    entry: peerEntry,
    path: ggufModel(models, name, shapes[name], peerDtype),
    dtype: peerDtype,
    threads,
    contextSize: longest + 1,
  };
}

/** The ids of a prompt: any will do, as long as both engines read the same. */
function prompt(shape, length) {
  return Array.from({ length }, (_, i) => (7 * i * i + 13 * i + 5) % shape.vocabulary);
}

/**
 * Runs every prompt that will be timed, and a few steps after it, on both engines and compares the logits: a wrong
 * engine is not worth timing. It warms both up as well.
 */
async function check(shape, competitors, { lengths, dtype, peerDtype }) {
  const following = prompt(shape, checkSteps + 1).slice(1);
  const rows = competitors.map(() => []);
  for (const length of [...lengths, decodePrompt]) {
    for (const [i, competitor] of competitors.entries()) {
      const argument = { prompt: prompt(shape, length), following, count: logitsAsked };
      rows[i].push(...(await competitor.call('check', argument)));
    }
  }
  if (competitors.length < 2) return undefined;
  const agreement = compareLogits(rows[0], rows[1], [dtype, peerDtype]);
  console.log(
    `  checked: logits of ${agreement.rows} positions differ by at most ${agreement.greatest.toExponential(1)}, ` +
      `the greedy token is the same in ${agreement.sameGreedy}`,
  );
  return agreement;
}

/** One task, the competitors in turns. */
async function measure({ name, kind, tokens, argument }, competitors, rounds) {
  const task = { kind, argument, amount: tokens };
  const { rates, otherCores } = await measureInTurns(task, competitors, rounds);
  return { name, kind, tokensPerSecond: rates, ratio: ratioTo('node-llama-cpp', rates), otherCores };
}

function withFloor(result, floor) {
  const { skipscan } = result.tokensPerSecond;
  return { ...result, floor, share: floor && skipscan ? skipscan.median / floor : undefined };
}

await runScript({ usage, parseOptions, main });
