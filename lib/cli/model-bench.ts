import type { LanguageModel } from '../models/language-model';
import type { Session } from '../models/session';
import type { Policy } from '../reduction';
import { profileFastest, type WorkProfile } from './profile-work';
import { measureInTurns, type Times } from './turns';

/** Tokens a second: of the median time, of the longest and of the shortest. */
export type Rate = { median: number; min: number; max: number };

/** Some work on so many tokens, those of all sequences. */
export type Speed = { tokens: number; milliseconds: Times; tokensPerSecond: Rate };

/** Of so many sequences that decode together. */
export type DecodeSpeed = Speed & { batch: number };

export type ModelBenchmarkOptions = {
  prompt: Int32Array;
  /** What sequences read after the prompt, one by one; each starts at another of these tokens. */
  steps: Int32Array;
  /** How many sequences decode together. */
  batches: readonly number[];
  rounds: number;
  /** Removes tokens of the prompt. */
  reduction?: Policy;
  /** Runs done and runs in all, the untimed ones included. */
  onProgress?: (done: number, total: number) => void;
};

/** Times the reading of a prompt and, for every batch, of single tokens after it, in turns; once untimed before. */
export async function benchmarkModel(
  model: LanguageModel,
  o: ModelBenchmarkOptions,
): Promise<{ prefill: Speed; decode: DecodeSpeed[] }> {
  const batches = await openBatches(model, o);
  const works = [() => prefill(model, o), ...batches.map((batch) => () => decode(model, batch, o.steps))];
  const [first, ...rest] = await measureInTurns(works, {
    rounds: o.rounds,
    workspace: () => model.memory().workspace,
    onProgress: o.onProgress,
  });
  await closeBatches(batches);
  return {
    prefill: speedOf(o.prompt.length, first.measurement.milliseconds),
    decode: rest.map(({ measurement }, i) => ({
      batch: o.batches[i],
      ...speedOf(o.batches[i] * o.steps.length, measurement.milliseconds),
    })),
  };
}

/** Where the time of the same work goes: of the prompt, then of every batch. */
export async function profileModel(model: LanguageModel, o: ModelBenchmarkOptions): Promise<WorkProfile[]> {
  const batches = await openBatches(model, o);
  const profiles = [
    await profileFastest(model, `prefill of ${o.prompt.length} tokens`, o.rounds, () => prefill(model, o)),
  ];
  for (const batch of batches) {
    const work = `decode of ${o.steps.length} tokens, batch of ${batch.length}`;
    profiles.push(await profileFastest(model, work, o.rounds, () => decode(model, batch, o.steps)));
  }
  await closeBatches(batches);
  return profiles;
}

/** Sequences after the prompt, with their states side by side. */
async function openBatches(model: LanguageModel, o: ModelBenchmarkOptions): Promise<Session[][]> {
  await using read = model.createSession({ reduction: o.reduction });
  await read.prefill(o.prompt);
  const batches = o.batches.map((count) => Array.from({ length: count }, () => read.clone()));
  for (const batch of batches) await decode(model, batch, o.steps.subarray(0, 1));
  return batches;
}

async function closeBatches(batches: readonly Session[][]): Promise<void> {
  await Promise.all(batches.flat().map((session) => session.dispose()));
}

async function prefill(model: LanguageModel, o: ModelBenchmarkOptions): Promise<void> {
  await using session = model.createSession({ reduction: o.reduction });
  await session.prefill(o.prompt);
}

async function decode(model: LanguageModel, sequences: Session[], steps: Int32Array): Promise<void> {
  for (let i = 0; i < steps.length; i += 1) {
    await model.stepAll(
      sequences,
      sequences.map((_, s) => steps[(i + s) % steps.length]),
    );
  }
}

function speedOf(tokens: number, milliseconds: Times): Speed {
  const rate = (time: number) => (1000 * tokens) / time;
  const { median, min, max } = milliseconds;
  return { tokens, milliseconds, tokensPerSecond: { median: rate(median), min: rate(max), max: rate(min) } };
}
