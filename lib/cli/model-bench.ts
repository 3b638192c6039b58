import type { LanguageModel } from '../models/language-model';
import type { Policy } from '../reduction';
import { profileFastest, type WorkProfile } from './profile-work';
import { summarize, type Times } from './turns';

/** Tokens a second: of the median time, of the longest and of the shortest. */
export type Rate = { median: number; min: number; max: number };

/** Some work on so many tokens. */
export type Speed = { tokens: number; milliseconds: Times; tokensPerSecond: Rate };

export type ModelBenchmarkOptions = {
  prompt: Int32Array;
  /** What the session reads after the prompt, one by one. */
  steps: Int32Array;
  rounds: number;
  /** Removes tokens of the prompt. */
  reduction?: Policy;
  /** Rounds done and rounds in all, the untimed one included. */
  onProgress?: (done: number, total: number) => void;
};

/** Times the reading of a prompt and of single tokens after it, in turns; once untimed before. */
export async function benchmarkModel(
  model: LanguageModel,
  o: ModelBenchmarkOptions,
): Promise<{ prefill: Speed; decode: Speed }> {
  const prefills: number[] = [];
  const decodes: number[] = [];
  for (let round = 0; round <= o.rounds; round += 1) {
    await using session = model.createSession({ reduction: o.reduction });
    const start = performance.now();
    await session.prefill(o.prompt);
    const middle = performance.now();
    for (const token of o.steps) await session.step(token);
    const end = performance.now();
    o.onProgress?.(round + 1, o.rounds + 1);
    if (round === 0) continue;
    prefills.push(middle - start);
    decodes.push(end - middle);
  }
  return { prefill: speedOf(o.prompt.length, prefills), decode: speedOf(o.steps.length, decodes) };
}

/** Where the time of the same work goes. */
export async function profileModel(model: LanguageModel, o: ModelBenchmarkOptions): Promise<WorkProfile[]> {
  const prefill = `prefill of ${o.prompt.length} tokens`;
  const decode = `decode of ${o.steps.length} tokens`;
  await using session = model.createSession({ reduction: o.reduction });
  await session.prefill(o.prompt);
  return [
    await profileFastest(model, prefill, o.rounds, async () => {
      await using fresh = model.createSession({ reduction: o.reduction });
      await fresh.prefill(o.prompt);
    }),
    await profileFastest(model, decode, o.rounds, async () => {
      for (const token of o.steps) await session.step(token);
    }),
  ];
}

function speedOf(tokens: number, values: number[]): Speed {
  const milliseconds = summarize(values);
  const rate = (time: number) => (1000 * tokens) / time;
  return {
    tokens,
    milliseconds,
    tokensPerSecond: {
      median: rate(milliseconds.median),
      min: rate(milliseconds.max),
      max: rate(milliseconds.min),
    },
  };
}
