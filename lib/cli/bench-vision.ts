import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { VisionModel } from '../models/vision-model';
import { publishedConfig, type VisionModelName, visionModelNames } from '../models/vision-names';
import { publishedFlops, resolvePolicy } from '../reduction';
import type { Benchmark } from './bench';
import { benchmarkOptions, contendersFor, contendersFrom } from './bench-policies';
import {
  listOption,
  numberOption,
  UsageError,
  type Values,
  wholeNumberOption,
  wholeNumbersOption,
} from './command';
import { type MachineFacts, machineFacts } from './machine';
import { modelOptions } from './model';
import { measureLimits } from './operator-floor';
import { profileOption, type WorkProfile } from './profile-work';
import { Progress } from './progress';
import { writeRandomVisionModel } from './random-vision-model';
import { imageTokens } from './reduction-report';
import { benchmarkVision, profileVision } from './vision-bench';
import { loadVisionFromOptions } from './vision-model';
import { type VisionModelReport, visionTable } from './vision-tables';

const { device, dtype, activations, threads } = modelOptions;

/** `skipscan bench vision`. */
export const benchVision: Benchmark = {
  of: 'what removing tokens of images saves, on random weights',
  options: {
    models: {
      type: 'string',
      value: 'LIST',
      help: `Some of ${visionModelNames.join(', ')}. Defaults to vim-small,plainmamba-l3.`,
    },
    batch: { type: 'string', value: 'LIST', help: 'Images of one pass. Defaults to 1,8.' },
    device,
    dtype,
    activations,
    threads,
    ...benchmarkOptions,
    ...profileOption,
  },

  async run(values) {
    const names = modelNamesFrom(values);
    const batches = wholeNumbersOption(values, 'batch', 1) ?? [1, 8];
    const rounds = wholeNumberOption(values, 'rounds', 1) ?? 5;
    const makers = contendersFrom(values, { policies: ['prune'], cuts: [0.15, 0.3, 0.45] });

    // What does not fit is told before anything is measured.
    const plans = names.map((name) => {
      const config = publishedConfig(name);
      const contenders = contendersFor(makers, config);
      for (const { policy } of contenders) resolvePolicy(policy, config, imageTokens(config));
      return { name, contenders };
    });

    const models: VisionModelReport[] = [];
    const profiles: WorkProfile[] = [];
    let machine: MachineFacts | undefined;
    for (const { name, contenders } of plans) {
      await using model = await randomModel(name, values);
      machine ??= machineFacts(model, numberOption(values, 'threads'));
      const report: VisionModelReport = {
        model: name,
        parameters: model.parameterCount,
        dtype: model.dtype,
        publishedFlops: publishedFlops(model.config),
        batches: [],
      };
      for (const batch of batches) {
        const progress = new Progress(`measuring ${name}, batch ${batch}`, (runs) => `${runs} runs`);
        const onProgress = (done: number, total: number) => progress.update(done, total);
        report.batches.push(
          await benchmarkVision(model, contenders, { batch, rounds, onProgress }).finally(() =>
            progress.end(),
          ),
        );
        if (values.profile) profiles.push(await profileVision(model, { name, batch, rounds }));
      }
      models.push(report);
    }
    const profile = values.profile ? { limits: await measureLimits(machine!), profiles } : undefined;
    const report = { ...machine!, rounds, models, profile };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : visionTable(report));
  },
};

/** The weights are written for the loader to read, and removed again. */
async function randomModel(name: VisionModelName, values: Values): Promise<VisionModel> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'skipscan-bench-'));
  try {
    const file = path.join(folder, `${name}.safetensors`);
    await writeRandomVisionModel(file, publishedConfig(name));
    return await loadVisionFromOptions({ ...values, model: file, architecture: name });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function modelNamesFrom(values: Values): VisionModelName[] {
  const given = listOption(values, 'models') ?? ['vim-small', 'plainmamba-l3'];
  const unknown = given.find((name) => !visionModelNames.includes(name as VisionModelName));
  if (unknown === undefined) return given as VisionModelName[];
  throw new UsageError(
    `Expected some of ${visionModelNames.join(', ')} for --models but received '${unknown}'.`,
  );
}
