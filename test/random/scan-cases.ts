// Random cases of the operators that walk along a path. Shapes are small, so that many cases run, and gather round the edges where
// kernels change their ways: vectors, tiles, chunks.
import type { CausalConvCase } from '../helpers/op-cases/causal-conv';
import type { PathCase } from '../helpers/op-cases/paths';
import type { SelectiveScanCase } from '../helpers/op-cases/selective-scan';
import type { SsdScanCase } from '../helpers/op-cases/ssd-scan';
import type { SelectiveStateCase, SsdStateCase } from '../helpers/op-cases/state-importance';
import type { Draw } from '../helpers/random';

const alignments = ['none', 'next', 'previous', 'own'] as const;
const metrics = ['clip', 'l1', 'l2', 'sum', 'delta'] as const;

export const often = (draw: Draw, share: number) => draw.next() < share;

/** One to four packed sequences, seldom longer than a tile. */
export function randomLengths(draw: Draw): number[] {
  const length = () =>
    draw.pick([1, 2, draw.int(3, 20), draw.int(3, 40), draw.int(15, 18), draw.int(60, 140)]);
  return Array.from({ length: draw.pick([1, 1, 2, draw.int(1, 5)]) }, length);
}

/** Sizes off and on the vector widths. */
export const randomWidth = (draw: Draw) =>
  draw.pick([1, draw.int(2, 7), draw.int(8, 17), draw.int(30, 34), draw.int(1, 70), draw.int(64, 100)]);

export const randomThreads = (draw: Draw) => draw.pick([1, 2, 3, 5]);
export const randomPadding = (draw: Draw) => draw.pick([0, 0, draw.int(1, 17), 8, 16]);

function randomPath(draw: Draw): PathCase {
  const lengths = randomLengths(draw);
  return {
    lengths,
    order: draw.pick(['forward', 'forward', 'backward', 'permuted']),
    keep: draw.pick([1, 1, draw.next(), 0.5, 0.03]),
    emptied: lengths.length > 1 && often(draw, 0.15) ? draw.int(0, lengths.length - 1) : undefined,
    otherParams: often(draw, 0.2),
  };
}

const randomScores = (draw: Draw) =>
  often(draw, 0.4) ? { metric: draw.pick(metrics), source: draw.pick(['gated', 'ssm'] as const) } : undefined;

export function randomCausalConv(draw: Draw): CausalConvCase {
  return {
    ...randomPath(draw),
    channels: randomWidth(draw),
    width: draw.pick([4, 4, 2, 3, draw.int(1, 16)]),
    mode: draw.pick(['compact', 'aligned']),
    silu: often(draw, 0.7),
    bias: often(draw, 0.7),
    stateIn: often(draw, 0.7),
    stateOut: often(draw, 0.8),
    padding: randomPadding(draw),
    inPlace: often(draw, 0.3),
    scale: draw.pick([1, 1, 1e-3, 100]),
    threads: randomThreads(draw),
  };
}

export function randomSelectiveScan(draw: Draw): SelectiveScanCase {
  const groups = draw.pick([1, 1, 2, 3]);
  const channels = groups * Math.ceil(randomWidth(draw) / groups);
  const importance = randomScores(draw);
  // A sum that is already where y goes needs that place for itself.
  const inPlace = often(draw, 0.3);
  const sums = ['separate', ...(inPlace ? [] : ['inPlace' as const])] as const;
  return {
    ...randomPath(draw),
    channels,
    dState: draw.pick([16, 16, 1, draw.int(1, 24), draw.int(30, 40)]),
    groups,
    alignment: draw.pick(alignments),
    softplus: often(draw, 0.8),
    optional: often(draw, 0.8),
    stateOut: often(draw, 0.8),
    padding: randomPadding(draw),
    inPlace,
    scale: draw.pick([1, 1, 1, 1e-3, 40]),
    importance,
    sumIn: often(draw, 0.3) ? draw.pick(sums) : undefined,
    outputScale: often(draw, 0.2) ? draw.pick([0.5, 0.25]) : undefined,
    importanceIn:
      importance?.metric === 'delta' && often(draw, 0.5) ? draw.pick(['separate', 'inPlace']) : undefined,
    threads: randomThreads(draw),
  };
}

const randomHeads = (draw: Draw) => {
  const groups = draw.pick([1, 1, 2, 3]);
  return { groups, heads: groups * draw.int(1, 4), headDim: draw.pick([16, 8, 1, draw.int(1, 24), 32]) };
};
const randomDtLimit = (draw: Draw): [number, number] =>
  draw.pick([
    [0, Infinity],
    [0, Infinity],
    [0.3, 0.9],
  ]);

export function randomSsdScan(draw: Draw): SsdScanCase {
  return {
    ...randomPath(draw),
    ...randomHeads(draw),
    dState: draw.pick([16, 32, 1, draw.int(1, 48)]),
    alignment: draw.pick(alignments),
    softplus: often(draw, 0.8),
    dtLimit: randomDtLimit(draw),
    optional: often(draw, 0.8),
    DPerChannel: often(draw, 0.2),
    stateOut: often(draw, 0.8),
    padding: randomPadding(draw),
    inPlace: often(draw, 0.3),
    scale: draw.pick([1, 1, 1, 1e-3, 40]),
    importance: randomScores(draw),
    threads: randomThreads(draw),
  };
}

const randomState = (draw: Draw) => ({
  ...randomPath(draw),
  dState: draw.pick([16, 1, draw.int(1, 40)]),
  alignment: draw.pick(alignments),
  softplus: often(draw, 0.8),
  bias: often(draw, 0.7),
  zeroStates: often(draw, 0.2),
  padding: randomPadding(draw),
  scale: draw.pick([1, 1, 1e-3, 40]),
  threads: randomThreads(draw),
});

export function randomSelectiveState(draw: Draw): SelectiveStateCase {
  const groups = draw.pick([1, 1, 2, 3]);
  return { ...randomState(draw), groups, channels: groups * Math.ceil(randomWidth(draw) / groups) };
}

export function randomSsdState(draw: Draw): SsdStateCase {
  return { ...randomState(draw), ...randomHeads(draw), dtLimit: randomDtLimit(draw) };
}
