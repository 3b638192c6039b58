import { countsOf } from '../models/reduce';
import type { VisionModel } from '../models/vision-model';
import { Random } from '../text/random';
import { compareLogits, type LogitsDifference } from './compare-logits';
import { profileFastest, type WorkProfile } from './profile-work';
import type { Contender } from './reduction-bench';
import { type ImageReductionReport, imageReductionReport, imageTokens } from './reduction-report';
import { type Gain, gainOf, type Measurement, measureInTurns } from './turns';

export type VisionMeasurement = Measurement & {
  imagesPerSecond: number;
  /** FLOPs of one image in thousands of millions, a multiply-add counted as two: all of the model and the reduction. */
  gflopsPerImage: number;
};

export type ReducedVisionMeasurement = VisionMeasurement &
  Gain & {
    name: string;
    /** Of the batch's first image. */
    reduction: ImageReductionReport;
    /** Of the batch's first image, to dense. */
    logits: LogitsDifference;
  };

export type VisionBenchmark = {
  batch: number;
  /** Tokens of an image, the class token included. */
  tokens: number;
  dense: VisionMeasurement;
  reduced: ReducedVisionMeasurement[];
};

/**
 * Times forward passes over random images of the size that the model was trained on, from pixels to logits: dense and with every
 * contender, in turns.
 *
 * @param o.batch images of one pass
 */
export async function benchmarkVision(
  model: VisionModel,
  contenders: readonly Contender[],
  o: { batch: number; rounds: number; onProgress?: (done: number, total: number) => void },
): Promise<VisionBenchmark> {
  const [height, width] = model.config.imageSize;
  const pixels = randomImages(o.batch, height, width);
  const reductions = [undefined, ...contenders.map(({ policy }) => policy)];
  const [dense, ...reduced] = await measureInTurns(
    reductions.map((reduction) => () => model.forward(pixels, [o.batch, 3, height, width], { reduction })),
    { rounds: o.rounds, workspace: () => model.memory().workspace, onProgress: o.onProgress },
  );
  const rates = ({ result, measurement }: typeof dense): VisionMeasurement => ({
    ...measurement,
    imagesPerSecond: (1000 * o.batch) / measurement.milliseconds.median,
    gflopsPerImage: result.stats.flops / o.batch / 1e9,
  });
  const { config } = model;
  const firstLogits = ({ result }: typeof dense) => result.logits.subarray(0, config.numClasses);
  return {
    batch: o.batch,
    tokens: imageTokens(config),
    dense: rates(dense),
    reduced: reduced.map((run, i) => {
      const { name, policy } = contenders[i];
      const reduction = imageReductionReport(config, policy, countsOf(run.result.kept, 0));
      return {
        name,
        reduction,
        ...rates(run),
        ...gainOf(dense.measurement, run.measurement, reduction.saved),
        logits: compareLogits(firstLogits(dense), firstLogits(run)),
      };
    }),
  };
}

/** Where the time of the dense pass goes. */
export function profileVision(
  model: VisionModel,
  o: { name: string; batch: number; rounds: number },
): Promise<WorkProfile> {
  const [height, width] = model.config.imageSize;
  const pixels = randomImages(o.batch, height, width);
  return profileFastest(model, `${o.name}, dense, batch of ${o.batch}`, o.rounds, () =>
    model.forward(pixels, [o.batch, 3, height, width]),
  );
}

/** Normalised pixels `[batch, 3, height, width]` of noise. */
export function randomImages(batch: number, height: number, width: number, seed = 0): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: batch * 3 * height * width }, () => 4 * random.next() - 2);
}
