// Random cases of the operators on rows, matrices and grids.
import type { AddRowsCase } from '../helpers/op-cases/add-rows';
import type { DepthwiseConv2dCase } from '../helpers/op-cases/depthwise-conv2d';
import type { GridCase } from '../helpers/op-cases/grids';
import type { ImagePatchesCase } from '../helpers/op-cases/image-patches';
import type { MeanRowsCase } from '../helpers/op-cases/mean-rows';
import type { GatedRmsNormCase, LayerNormCase, RmsNormCase } from '../helpers/op-cases/norms';
import type { EmbeddingCase, LinearCase } from '../helpers/op-cases/products';
import type { ScanPathsCase } from '../helpers/op-cases/scan-paths';
import type { TokenLogprobsCase } from '../helpers/op-cases/token-logprobs';
import type { Draw } from '../helpers/random';
import { often, randomLengths, randomPadding, randomThreads, randomWidth } from './scan-cases';

const weightDtypes = ['f32', 'bf16', 'f16'] as const;
const randomRows = (draw: Draw) => draw.pick([1, draw.int(2, 5), draw.int(6, 20), draw.int(1, 70)]);

export function randomLinear(draw: Draw, dtype: LinearCase['dtype'] = draw.pick(weightDtypes)): LinearCase {
  return {
    rows: randomRows(draw),
    inputs: draw.pick([randomWidth(draw), draw.int(1, 300), draw.int(60, 70)]),
    outputs: randomWidth(draw),
    dtype,
    packed: dtype === 'i8' || often(draw, 0.7), // 8-bit weights are packed ones
    bias: often(draw, 0.7),
    padding: randomPadding(draw),
    threads: randomThreads(draw),
  };
}

export function randomEmbedding(draw: Draw): EmbeddingCase {
  const dtype = draw.pick([...weightDtypes, 'i8'] as const);
  return {
    rows: randomRows(draw),
    vocabulary: randomWidth(draw),
    dim: randomWidth(draw),
    dtype,
    packed: dtype === 'i8' || often(draw, 0.7),
    threads: randomThreads(draw),
  };
}

const randomNorm = (draw: Draw): RmsNormCase => ({
  rows: randomRows(draw),
  dim: draw.pick([randomWidth(draw), draw.int(100, 800)]),
  eps: draw.pick([1e-5, 1e-5, 0.5]),
  residual: draw.pick(['none', 'separate', 'inPlace', 'overX', 'notWanted']),
  inPlace: false,
  scale: draw.pick([1, 1, 1e-3, 1e4]),
  threads: randomThreads(draw),
});
/** One result can lie over x, not both. */
const overX = (draw: Draw, c: RmsNormCase) => ({ inPlace: c.residual !== 'overX' && often(draw, 0.4) });

export function randomRmsNorm(draw: Draw): RmsNormCase {
  const norm = randomNorm(draw);
  if (often(draw, 0.7)) return { ...norm, ...overX(draw, norm) };
  // Gathered rows do not go where they came from.
  const residual = draw.pick(['none', 'separate', 'notWanted'] as const);
  return { ...norm, residual, gathered: randomRows(draw) };
}

export function randomLayerNorm(draw: Draw): LayerNormCase {
  const norm = randomNorm(draw);
  return { ...norm, ...overX(draw, norm) };
}

export function randomGatedRmsNorm(draw: Draw): GatedRmsNormCase {
  const groupSize = draw.pick([randomWidth(draw), draw.int(1, 24)]);
  return {
    rows: randomRows(draw),
    dim: groupSize * draw.int(1, 4),
    groupSize,
    eps: draw.pick([1e-5, 1e-5, 0.5]),
    normBeforeGate: often(draw, 0.3),
    padding: randomPadding(draw),
    inPlace: often(draw, 0.4),
    scale: draw.pick([3, 3, 100]),
    metric: often(draw, 0.4) ? draw.pick(['clip', 'l1', 'l2', 'sum'] as const) : undefined,
    threads: randomThreads(draw),
  };
}

export function randomTokenLogprobs(draw: Draw): TokenLogprobsCase {
  return {
    rows: draw.int(1, 8),
    vocabulary: draw.pick([randomWidth(draw), draw.int(1, 700), draw.int(1020, 1030)]),
    padding: randomPadding(draw),
    scale: draw.pick([8, 8, 1e-3, 1e4]),
    levels: draw.pick([0, 0, 0, draw.int(1, 4)]),
    masked: draw.pick([0, 0, 0.5, 0.99]),
    wanted: draw.pick(['both', 'both', 'logprobs', 'best']),
    threads: randomThreads(draw),
  };
}

export function randomMeanRows(draw: Draw): MeanRowsCase {
  const lengths = randomLengths(draw);
  if (often(draw, 0.3)) lengths.splice(draw.int(0, lengths.length), 0, 0);
  return {
    lengths,
    dim: randomWidth(draw),
    mean: draw.pick([0, 0, 100]),
    scale: draw.pick([1, 1, 1e4]),
    threads: randomThreads(draw),
  };
}

export function randomAddRows(draw: Draw): AddRowsCase {
  return {
    rows: randomRows(draw),
    dim: randomWidth(draw),
    entries: draw.int(1, 20),
    padding: randomPadding(draw),
    scale: draw.pick([1, 1, 1e4]),
    threads: randomThreads(draw),
  };
}

/** Grids with at least one row in all. */
function randomGrid(draw: Draw): GridCase {
  const shares = Array.from({ length: draw.int(1, 4) }, () => draw.pick([1, 0.5, draw.next(), 0.001, 0]));
  if (!shares.some((share) => share > 0)) shares[0] = 1;
  return { grid: [draw.int(1, 12), draw.int(1, 12)], keep: shares };
}

export function randomDepthwiseConv2d(draw: Draw): DepthwiseConv2dCase {
  return {
    ...randomGrid(draw),
    channels: randomWidth(draw),
    size: draw.pick([1, 3, 3, 5, 7, 7, 9, 15]),
    activation: draw.pick(['none', 'silu', 'gelu']),
    bias: often(draw, 0.7),
    added: often(draw, 0.3),
    padding: randomPadding(draw),
    scale: draw.pick([1, 1, 30, 100]),
    threads: randomThreads(draw),
  };
}

export function randomScanPaths(draw: Draw): ScanPathsCase {
  return {
    ...randomGrid(draw),
    orders: draw.pick(['raster', 'snakes', draw.int(1, 5)] as const),
    labels: often(draw, 0.5),
    threads: randomThreads(draw),
  };
}

export function randomImagePatches(draw: Draw): ImagePatchesCase {
  const [height, width] = [draw.int(1, 24), draw.int(1, 24)];
  const out: [number, number] = [draw.int(1, 9), draw.int(1, 9)];
  const images = draw.int(1, 3);
  const places = images * out[0] * out[1];
  const first = draw.int(0, places - 1);
  return {
    image: [images, draw.pick([1, 3, 3, draw.int(1, 40)]), height, width],
    planar: often(draw, 0.5),
    kernel: draw.pick([1, 2, 3, 3, 4, 7, draw.int(1, 9)]),
    stride: draw.int(1, 9),
    padding: draw.int(0, 4),
    out,
    part: often(draw, 0.5) ? [first, draw.int(1, places - first)] : undefined,
    relu: often(draw, 0.5),
    threads: randomThreads(draw),
  };
}
