#!/usr/bin/env node
/**
 * What each reduction policy costs a vision model: top-1 on a folder of images, and the difference to dense image by image, as
 * Markdown tables. Images are decoded once for all policies. See README.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadVisionModel, paperSchedule, prune } from 'skipscan';
import { readImages } from './quality/images.mjs';
import { markdownTable, plusMinus, thresholdTable } from './quality/markdown.mjs';
import { policiesAt } from './quality/policies.mjs';
import { differences, summarize } from './quality/statistics.mjs';
import { VisionMeasurement } from './quality/vision.mjs';
import { parseOptions, usage } from './quality/vision-options.mjs';
import { cuts, visionTables } from './quality/vision-tables.mjs';
import { runScript } from './run-script.mjs';

async function main(options) {
  const model = await loadVisionModel(options.model, { device: 'cpu', threads: options.threads });
  const images = await readImages(model, options.folder, options.limit);
  const measurement = new VisionMeasurement(model, images, options.batch);
  const dense = await measurement.values();
  const schedule = paperSchedule(model.config);
  await measurement.checkIdentity(prune({ ...schedule, keep: 1 }));
  console.log(
    `${dense.length} images of ${images.classes} classes; reductions after layers ${schedule.layers.join(', ')} of ` +
      `${model.config.layers}. The dense model is right about ${plusMinus(summarize(dense), 2)} per cent of them. Where the ` +
      'tables show top-1 it is in per cent, elsewhere the difference to dense in points, image by image; with standard errors ' +
      'over images.',
  );

  const at = {};
  for (const cut of cuts) at[cut] = await policiesAt(measurement, cut);
  for (const table of visionTables(at)) {
    console.log(`\n${await markdownTable(table, (policy) => measurement.values(policy), 2)}`);
  }
  const thresholds = [];
  for (const target of cuts) {
    const policy = at[target].ltmp;
    thresholds.push({ target, policy, saved: await measurement.saved(policy) });
  }
  console.log(`\n${thresholdTable(thresholds)}`);
  if (options.json) await writeReport(options.json, measurement);
  await model.dispose();
}

/** Every policy that was measured, with its top-1, the difference to dense and a digit for each image: 1 where it is right. */
async function writeReport(file, measurement) {
  const dense = await measurement.values();
  const digits = (values) => values.map((value) => Number(value > 0)).join('');
  const policies = [];
  for (const policy of measurement.policies) {
    const values = await measurement.values(policy);
    policies.push({
      policy,
      saved: await measurement.saved(policy),
      top1: summarize(values),
      lessDense: summarize(differences(values, dense)),
      right: digits(values),
    });
  }
  mkdirSync(dirname(file), { recursive: true });
  const report = { images: dense.length, dense: { top1: summarize(dense), right: digits(dense) }, policies };
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
}

await runScript({ usage, parseOptions, main });
