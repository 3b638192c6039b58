import type { Forward } from '../models/forward';
import type { LanguageModel } from '../models/language-model';
import { countsOf } from '../models/reduce';
import type { Policy } from '../reduction';
import { compareLogits, type LogitsDifference } from './compare-logits';
import { type ReductionReport, reductionReport } from './reduction-report';
import { type Gain, gainOf, type Measurement, measureInTurns } from './turns';

/** A policy to be measured, under the name that it was asked for by. */
export type Contender = { name: string; policy: Policy };

export type ReducedMeasurement = Measurement &
  Gain & {
    name: string;
    reduction: ReductionReport;
    /** Above dense * (1 - saved): the reduction itself, and what does not shrink with the tokens, such as the head. */
    restMilliseconds: number;
    logits: LogitsDifference;
  };

export type ReductionBenchmark = { dense: Measurement; reduced: ReducedMeasurement[] };

/**
 * Times the reading of a prompt, from its tokens to the last logits: dense and with every contender, in turns.
 *
 * @param onProgress runs done and runs in all, the warm-up included
 */
export async function benchmarkReduction(
  model: LanguageModel,
  tokens: Int32Array,
  contenders: readonly Contender[],
  rounds: number,
  onProgress?: (done: number, total: number) => void,
): Promise<ReductionBenchmark> {
  const reductions = [undefined, ...contenders.map(({ policy }) => policy)];
  const [dense, ...reduced] = await measureInTurns(
    reductions.map((reduction) => () => model.forward(tokens, { logits: 'last', reduction })),
    { rounds, workspace: () => model.memory().workspace, onProgress },
  );
  return {
    dense: dense.measurement,
    reduced: reduced.map(({ result, measurement }, i) => {
      const { name, policy } = contenders[i];
      const reduction = reductionReport(model.config, policy, tokens.length, countsOf(result.kept, 0));
      const ideal = dense.measurement.milliseconds.median * (1 - reduction.saved);
      return {
        name,
        reduction,
        ...measurement,
        ...gainOf(dense.measurement, measurement, reduction.saved),
        restMilliseconds: measurement.milliseconds.median - ideal,
        logits: compareLogits(realTokens(model, dense.result), realTokens(model, result)),
      };
    }),
  };
}

/** The last logits without the vocabulary's padding. */
function realTokens(model: LanguageModel, { logits }: Forward): Float32Array {
  return logits.subarray(0, model.config.vocabSize);
}
