#!/usr/bin/env node
/**
 * What each reduction policy costs a language model: bits per byte above dense on held-out text, as Markdown tables. Prompts
 * are prefilled with the reduction, what follows them is scored without (the `prefill` protocol). See README.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadLanguageModel, paperSchedule, prune } from 'skipscan';
import { LanguageMeasurement } from './quality/language.mjs';
import { contextTable, markdownTable, plusMinus, thresholdTable } from './quality/markdown.mjs';
import { parseOptions, usage } from './quality/options.mjs';
import { policiesAt } from './quality/policies.mjs';
import { differences, summarize } from './quality/statistics.mjs';
import { tables } from './quality/tables.mjs';
import { continuationLength, promptLength, readWindows } from './quality/windows.mjs';
import { runScript } from './run-script.mjs';

/** Shares of the blocks' FLOPs to save. */
const targets = [0.1, 0.2, 0.3];

/** How much of a prompt's end is enough? What lies before it is all that a policy could lose. */
const lastBytes = [16, 32, 64, 128, 256];

async function main(options) {
  const model = await loadLanguageModel(options.model, { device: 'cpu', threads: options.threads });
  const windows = readWindows(options.windows);
  const measurement = new LanguageMeasurement(model, windows);
  const dense = await measurement.values();
  await measurement.checkIdentity(prune({ ...paperSchedule(measurement.config), keep: 1 }));
  console.log(
    `${windows.length} windows, ${promptLength} bytes prefilled and ${continuationLength} scored in each; reductions after ` +
      `layers ${paperSchedule(model.config).layers.join(', ')} of ${model.config.layers}. The dense model needs ` +
      `${plusMinus(summarize(dense))} bits per byte; the tables say how many more, mean and standard error over windows.`,
  );

  const at = {};
  for (const target of targets) at[target] = await policiesAt(measurement, target);
  for (const table of tables(at)) {
    console.log(`\n${await markdownTable(table, (policy) => measurement.values(policy))}`);
  }
  const contexts = [];
  for (const bytes of lastBytes) {
    contexts.push({ bytes, cost: differences(await measurement.bitsPerByteAfter(bytes), dense) });
  }
  console.log(`\n${contextTable(contexts)}`);
  const thresholds = [];
  for (const target of targets) {
    const policy = at[target].ltmp;
    thresholds.push({ target, policy, saved: await measurement.saved(policy) });
  }
  console.log(`\n${thresholdTable(thresholds)}`);
  if (options.json) await writeReport(options.json, measurement, windows);
  await model.dispose();
}

/** Every policy that was measured: its summary, by source too, and every window. */
async function writeReport(file, measurement, windows) {
  const dense = await measurement.values();
  const ofSource = (source, values) => summarize(values.filter((_, i) => windows[i].source === source));
  const policies = [];
  for (const policy of measurement.policies) {
    const bitsPerByte = await measurement.values(policy);
    const cost = differences(bitsPerByte, dense);
    policies.push({
      policy,
      saved: await measurement.saved(policy),
      ...summarize(cost),
      novels: ofSource('novels', cost),
      addresses: ofSource('addresses', cost),
      bitsPerByte,
    });
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ promptLength, continuationLength, dense, policies }, null, 1)}\n`);
}

await runScript({ usage, parseOptions, main });
