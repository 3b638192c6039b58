import type { Forward, LanguageModel } from '../models/language-model';
import { countsOf } from '../models/reduce';
import type { Policy } from '../reduction';
import { compareLogits, type LogitsDifference } from './compare-logits';
import { type ReductionReport, reductionReport } from './reduction-report';

/** A policy to be measured, under the name that it was asked for by. */
export type Contender = { name: string; policy: Policy };

/** Milliseconds of repeated runs. */
export type Times = { median: number; min: number; max: number; values: number[] };

export type Measurement = {
  milliseconds: Times;
  /** The most bytes that the engine was seen to hold besides weights and sessions, during one run. */
  workspace: number;
};

export type ReducedMeasurement = Measurement & {
  name: string;
  reduction: ReductionReport;
  /** How many times as fast as dense, of the medians. */
  speedup: number;
  /** `speedup` as a share of 1 / (1 - saved), what the saved FLOPs allow. */
  ratio: number;
  /** Above dense * (1 - saved): the reduction itself, and what does not shrink with the tokens, such as the head. */
  restMilliseconds: number;
  logits: LogitsDifference;
};

export type ReductionBenchmark = { dense: Measurement; reduced: ReducedMeasurement[] };

/**
 * Times the reading of a prompt, from its tokens to the last logits: dense and with every contender in turns, round after
 * round, so that what slows the machine for a while slows all of them.
 *
 * @param onProgress runs done and runs in all, the warm-up included
 */
export async function benchmarkReduction(
  model: LanguageModel,
  tokens: Int32Array,
  contenders: readonly Contender[],
  rounds: number,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ReductionBenchmark> {
  const reductions = [undefined, ...contenders.map(({ policy }) => policy)];
  const total = (rounds + 1) * reductions.length;
  let done = 0;

  const first: { result: Forward; workspace: number }[] = [];
  for (const reduction of reductions) {
    first.push(await watchedRun(model, tokens, reduction));
    onProgress(++done, total);
  }
  const values: number[][] = reductions.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, reduction] of reductions.entries()) {
      const start = performance.now();
      await model.forward(tokens, { logits: 'last', reduction });
      values[i].push(performance.now() - start);
      onProgress(++done, total);
    }
  }

  const [dense, ...reduced] = first.map(({ workspace }, i) => ({
    milliseconds: summarize(values[i]),
    workspace,
  }));
  return {
    dense,
    reduced: reduced.map((measurement, i) => {
      const { result } = first[i + 1];
      const { name, policy } = contenders[i];
      const reduction = reductionReport(model.config, policy, tokens.length, countsOf(result.kept, 0));
      const speedup = dense.milliseconds.median / measurement.milliseconds.median;
      return {
        name,
        reduction,
        ...measurement,
        speedup,
        ratio: speedup * (1 - reduction.saved),
        restMilliseconds: measurement.milliseconds.median - dense.milliseconds.median * (1 - reduction.saved),
        logits: compareLogits(realTokens(model, first[0].result), realTokens(model, result)),
      };
    }),
  };
}

/** One run that is not timed: looks at the workspace meanwhile. */
async function watchedRun(model: LanguageModel, tokens: Int32Array, reduction?: Policy) {
  let workspace = 0;
  const look = () => {
    workspace = Math.max(workspace, model.memory().workspace);
  };
  const watch = setInterval(look, 1);
  try {
    const result = await model.forward(tokens, { logits: 'last', reduction });
    look();
    return { result, workspace };
  } finally {
    clearInterval(watch);
  }
}

/** The last logits without the vocabulary's padding. */
function realTokens(model: LanguageModel, { logits }: Forward): Float32Array {
  return logits.subarray(0, model.config.vocabSize);
}

export function summarize(values: number[]): Times {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return { median: middle, min: sorted[0], max: sorted[sorted.length - 1], values };
}
