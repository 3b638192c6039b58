// Random calls of every operator, each compared with the plain loops of the reference backend within the tolerances of the tables of
// cases (helpers/op-cases), with guard zones round every output.
import { native } from '../../lib/native';
import type { NativeOpParams } from '../../lib/native-types';
import { addRowsCases } from '../helpers/op-cases/add-rows';
import { causalConvCases } from '../helpers/op-cases/causal-conv';
import { depthwiseConv2dCases } from '../helpers/op-cases/depthwise-conv2d';
import { GuardedMemory } from '../helpers/op-cases/guarded-memory';
import type { OpCases } from '../helpers/op-cases/harness';
import { imagePatchesCases } from '../helpers/op-cases/image-patches';
import { meanRowsCases } from '../helpers/op-cases/mean-rows';
import { gatedRmsNormCases, layerNormCases, rmsNormCases } from '../helpers/op-cases/norms';
import { eightBitLinearCases, embeddingCases, linearCases } from '../helpers/op-cases/products';
import { reduceTokensCases } from '../helpers/op-cases/reduce-tokens';
import { scanPathsCases } from '../helpers/op-cases/scan-paths';
import { selectTokensCases } from '../helpers/op-cases/select-tokens';
import { selectiveScanCases } from '../helpers/op-cases/selective-scan';
import { ssdScanCases } from '../helpers/op-cases/ssd-scan';
import { selectiveStateCases, ssdStateCases } from '../helpers/op-cases/state-importance';
import { tokenImportanceCases } from '../helpers/op-cases/token-importance';
import { tokenLogprobsCases } from '../helpers/op-cases/token-logprobs';
import { Draw } from '../helpers/random';
import { type Findings, shareOfTolerance } from './findings';
import { randomReduceTokens, randomSelectTokens, randomTokenImportance } from './reduction-cases';
import * as rows from './row-cases';
import * as scans from './scan-cases';
import { isUndecided } from './undecided';

type Drawn = { seed?: number; threads?: number };

/** A kind of random call: what is reported under one name. */
export type Kind = {
  name: string;
  /** How often it comes up. */
  weight: number;
  /** Draws a case, and compares what each backend makes of it with what the reference does. */
  run(draw: Draw, backends: readonly string[], findings: Findings): Promise<void>;
};

function operator<Name extends keyof NativeOpParams, Case extends Drawn>(
  cases: OpCases<Name, Case>,
  drawCase: (draw: Draw) => Case,
  { name = cases.op as string, accepts = (_: NativeOpParams[Name], _case: Case): boolean => true } = {},
): Kind {
  const build = (c: Case, seed: number) => {
    const memory = new GuardedMemory();
    const params = cases.build(c, memory, new Draw(seed));
    return { memory, params };
  };
  const call = async (c: Case, seed: number, backend: string) => {
    const { memory, params } = build(c, seed);
    memory.begin();
    await native.runOp(cases.op, params, { backend, threads: c.threads });
    return memory.written();
  };
  return {
    name,
    weight: 1,
    async run(draw, backends, findings) {
      let c: Case;
      let seed: number;
      do {
        c = drawCase(draw);
        seed = draw.nextUint32();
      } while (!accepts(build(c, seed).params, c));
      const wanted = await call(c, seed, 'reference');
      for (const backend of backends) {
        const got = await call(c, seed, backend);
        const shares = [...wanted].map(([output, values]) =>
          shareOfTolerance(got.get(output)!, values, cases.tolerance),
        );
        findings.add(name, backend, Math.max(0, ...shares), () => JSON.stringify({ ...c, seed }));
      }
    },
  };
}

/**
 * Errors are measured by the largest value of an output. That of a few values says little where terms that are much larger than 1 may
 * cancel in all of them: such cases have many values, and no scores that are sums of them.
 */
const isFair = (scale: number, values: number) => scale <= 1 || values >= 64;

/** The channels of a step share B and C, so that what cancels in one does in all: steps count. */
const isFairScan = (scale: number, steps: number, state: number) =>
  isFair(scale, 4 * steps) && isFair(scale, state);

/**
 * What a mean of many rows is made of is much larger than the mean itself; and the sum behind it rounds as often as it has rows, of
 * which the table of cases has 150 at the most.
 */
const mostPerMean = 20;
const mostIntoOne = 150;

export const operators: readonly Kind[] = [
  operator(selectiveScanCases, scans.randomSelectiveScan, {
    accepts: ({ path, channels, dState, metric }, { scale }) =>
      isFairScan(scale, path.index.length, channels * dState) && (metric !== 'sum' || scale <= 1),
  }),
  operator(ssdScanCases, scans.randomSsdScan, {
    accepts: ({ path, heads, headDim, dState, metric }, { scale }) =>
      isFairScan(scale, path.index.length, heads * headDim * dState) && (metric !== 'sum' || scale <= 1),
  }),
  operator(causalConvCases, scans.randomCausalConv, {
    accepts: ({ path, channels }, { scale }) => isFair(scale, path.index.length * channels),
  }),
  // Large time steps as in the tables of cases: over as many heads or channels, whose mean evens roundings out.
  operator(selectiveStateCases, scans.randomSelectiveState, {
    accepts: ({ channels }, { scale }) => scale <= 1 || channels >= 40,
  }),
  operator(ssdStateCases, scans.randomSsdState, {
    accepts: ({ heads }, { scale }) => scale <= 1 || heads >= 4,
  }),
  operator(selectTokensCases, randomSelectTokens, { accepts: (params) => !isUndecided(params) }),
  operator(reduceTokensCases, randomReduceTokens, {
    accepts: ({ rows, keptRows, dim }, { intoOne }) =>
      rows <= mostPerMean * keptRows && isFair(50, keptRows * dim) && (!intoOne || rows <= mostIntoOne),
  }),
  operator(tokenImportanceCases, randomTokenImportance, {
    accepts: ({ scores, metric }, { scale }) => metric !== 'sum' || isFair(scale, scores.length),
  }),
  operator(linearCases, rows.randomLinear),
  operator(eightBitLinearCases, (draw) => rows.randomLinear(draw, 'i8'), { name: 'linear (i8)' }),
  operator(embeddingCases, rows.randomEmbedding),
  operator(rmsNormCases, rows.randomRmsNorm),
  // Two or three channels may hardly differ, and dividing by that magnifies the roundings of their sum and mean.
  operator(layerNormCases, rows.randomLayerNorm, { accepts: ({ dim }) => dim === 1 || dim > 3 }),
  operator(gatedRmsNormCases, rows.randomGatedRmsNorm, {
    accepts: ({ metric }, { scale }) => metric !== 'sum' || scale <= 3,
  }),
  operator(tokenLogprobsCases, rows.randomTokenLogprobs),
  operator(meanRowsCases, rows.randomMeanRows, {
    accepts: ({ out }, { mean, scale }) => isFair(Math.max(mean, scale), out.length),
  }),
  operator(addRowsCases, rows.randomAddRows),
  operator(depthwiseConv2dCases, rows.randomDepthwiseConv2d, {
    accepts: ({ positions, channels }, { scale }) => isFair(scale, positions.length * channels),
  }),
  operator(scanPathsCases, rows.randomScanPaths),
  operator(imagePatchesCases, rows.randomImagePatches),
];
