#!/usr/bin/env node
/**
 * Prefill and decode of models with random weights, skipscan against node-llama-cpp and transformers, in one run: all engines
 * are loaded at the same time, checked against each other, then measured in turns. See README.md.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkBatch, checkEngines } from './agreement.mjs';
import { describeFirstToken, firstTokenPrompt, measureFirstToken } from './first-token.mjs';
import { languageCompetitors } from './language-competitors.mjs';
import { batchPrompts, decodePrompt, languageTasks, longestSequence, prompt } from './language-tasks.mjs';
import { commandOf, machineFacts, sourceCommit } from './machine.mjs';
import { readLimits } from './operators/limits.mjs';
import { parseOptions, usage } from './options.mjs';
import {
  describeAgreement,
  describeCompetitor,
  describeCounts,
  describeMachine,
  resultTable,
  writeReport,
} from './report.mjs';
import { runScript } from './run-script.mjs';
import { counts, floors, shapes } from './shapes.mjs';
import { describeThreadScaling, measureThreads } from './thread-scaling.mjs';
import { disturbance, measureInTurns, ratio, ratiosToPeers } from './turns.mjs';

async function main(options) {
  const competitors = languageCompetitors(options, longestSequence(options));
  if (competitors.length === 0) throw new Error('there is nothing to measure');
  const names = competitors.map(({ name }) => name);
  const report = {
    command: commandOf('language-model.mjs'),
    date: new Date().toISOString(),
    machine: machineFacts(),
    skipscanCommit: sourceCommit(dirname(fileURLToPath(import.meta.url))),
    absent: options.competitors.filter((name) => !names.includes(name)),
    threads: options.threads,
    rounds: options.rounds,
    dtype: options.dtype,
    shapes: [],
  };
  console.log(describeMachine(report));
  for (const name of options.shapes) report.shapes.push(await benchmark(name, competitors, options));

  const disturbed = disturbance(report.shapes.flatMap(resultsOf));
  if (disturbed) console.log(disturbed);
  if (options.json) writeReport(options.json, report);
}

function resultsOf({ results, firstToken, threadScaling }) {
  return [...results, ...(firstToken ? [firstToken] : []), ...(threadScaling ?? [])];
}

/** Everything about one shape. Prints as it goes. */
async function benchmark(name, competitors, options) {
  console.log(`\n${name}\n${describeCounts(counts(shapes[name], options.dtype))}`);
  const report = { name, ...(await measureSpeeds(name, competitors, options)) };
  if (options.firstToken) {
    const tokens = prompt(shapes[name], firstTokenPrompt);
    report.firstToken = await measureFirstToken(competitors, name, tokens, options);
    console.log(`\n${describeFirstToken(report.firstToken, options.competitors)}`);
  }
  if (options.threadScaling) {
    const tokens = prompt(shapes[name], options.lengths[0]);
    report.threadScaling = [];
    for (const competitor of competitors) {
      report.threadScaling.push(await measureThreads(competitor, name, tokens, options));
    }
    console.log(`\n${describeThreadScaling(report.threadScaling)}`);
  }
  return report;
}

/** Engines, check, prefill and decode. */
async function measureSpeeds(name, competitors, options) {
  const shape = shapes[name];
  const { dtype, threads, rounds, batch } = options;
  const limits = limitsOf(name, options);
  const engines = [];
  try {
    const loaded = [];
    for (const competitor of competitors) {
      const settings = await competitor.settings(name, threads);
      const engine = competitor.start();
      engines.push(engine);
      const facts = await engine.call('load', settings);
      loaded.push({ name: competitor.name, dtype: settings.dtype, threads, ...facts });
      console.log(describeCompetitor(loaded.at(-1)));
    }
    const prompts = [...options.lengths, decodePrompt].map((length) => prompt(shape, length));
    const agreement = await checkEngines(
      engines,
      loaded.map((each) => each.dtype),
      prompts,
    );
    if (agreement) console.log(describeAgreement(agreement));
    const ours = engines.find((engine) => engine.name === 'skipscan');
    if (batch > 0 && ours) await checkBatch(ours, dtype, batchPrompts(shape, batch));

    const results = [];
    for (const task of languageTasks(shape, options)) {
      const { rates, otherCores } = await measureInTurns(task, engines, rounds);
      const result = {
        name: task.name,
        kind: task.kind,
        tokensPerSecond: rates,
        ratios: ratiosToPeers(rates),
      };
      results.push(withFloor({ ...result, otherCores }, floors(shape, dtype, limits)[task.kind]));
    }
    console.log(resultTable(results, options.competitors, 'tokensPerSecond', 'tokens/s'));
    const batchGains = gainsOfBatch(results);
    for (const [engine, gain] of Object.entries(batchGains)) {
      console.log(`  ${engine}: batch ${batch} decodes ${gain.median.toFixed(2)}x the tokens of batch 1`);
    }
    const idle = Object.fromEntries(engines.map((engine) => [engine.name, engine.idleCores]));
    return { counts: counts(shape, dtype), limits, loaded, agreement, results, batchGains, idle };
  } finally {
    for (const engine of engines) engine.close();
  }
}

/** What the machine reaches: from the file, but for what the command line says. NaN where neither says anything. */
function limitsOf(name, { limits, floors, dtype, threads }) {
  const measured = limits ? readLimits(limits, { model: name, dtype, threads }) : {};
  const { gflops = Number.NaN, scanNs = Number.NaN, readGbs = Number.NaN } = measured;
  return {
    gflops: floors.gflops ?? gflops,
    scanNs: floors.scanNs ?? scanNs,
    readGbs: floors.readGbs ?? readGbs,
  };
}

function withFloor(result, floor) {
  const { skipscan } = result.tokensPerSecond;
  return { ...result, floor, share: floor && skipscan ? skipscan.median / floor : undefined };
}

/** What decoding several sequences at once gains, by engine. */
function gainsOfBatch(results) {
  const [single, batch] = ['decode', 'decodeBatch'].map((kind) => results.find((each) => each.kind === kind));
  if (!single || !batch) return {};
  return Object.fromEntries(
    Object.entries(batch.tokensPerSecond).map(([name, rates]) => [
      name,
      ratio(rates, single.tokensPerSecond[name]),
    ]),
  );
}

await runScript({ usage, parseOptions, main });
