import type { NativeTokenImportance } from '../../../lib/native-reduction-types';
import type { OpCases } from './harness';
import { offsetsOf } from './paths';

export type TokenImportanceCase = {
  metric: NativeTokenImportance['metric'];
  lengths: number[];
  channels: number;
  /** Elements between the rows of x. */
  padding: number;
  /** A second branch is added, with other gaps between its rows. */
  added: boolean;
  /** Rows of zeros, and rows that repeat the one before. */
  special: boolean;
  /** Factor of the values. */
  scale: number;
  seed?: number;
  threads?: number;
};

const metrics = ['clip', 'l1', 'l2', 'sum', 'novel', 'novel2'] as const;
const table: readonly (readonly [why: string, change: Partial<TokenImportanceCase>])[] = [
  ['the base', {}],
  ['one token', { lengths: [1] }],
  ['two tokens: each is the only neighbour', { lengths: [2] }],
  ['packed sequences, whose ends are no neighbours', { lengths: [5, 1, 0, 17, 2] }],
  ['more rows than a task', { lengths: [900, 300], channels: 70 }],
  ['a width of published models', { channels: 1536 }],
  ['width off the vector width', { channels: 83 }],
  ['one vector and a bit', { channels: 17 }],
  ['one channel', { channels: 1 }],
  ['rows inside wider ones', { padding: 13 }],
  ['both branches', { added: true, padding: 3, channels: 37 }],
  ['zero rows and equal rows', { special: true }],
  ['small values', { scale: 1e-6 }],
  ['values whose squared norms multiply beyond float32', { scale: 1e11 }],
  ['one thread', { threads: 1 }],
  ['more threads than rows', { threads: 9, lengths: [3] }],
];

export const tokenImportanceCases: OpCases<'token_importance', TokenImportanceCase> = {
  op: 'token_importance',
  activations: ['x'],
  base: {
    metric: 'clip',
    lengths: [21],
    channels: 64,
    padding: 0,
    added: false,
    special: false,
    scale: 1,
  },
  table: metrics.flatMap((metric) =>
    table.map(([why, change]) => [`${metric}: ${why}`, { ...change, metric }] as const),
  ),
  build({ metric, lengths, channels, padding, added, special, scale }, memory, draw) {
    const offsets = offsetsOf(lengths);
    const rows = offsets[lengths.length];
    const x = draw.floats(rows * channels, -scale, scale);
    for (let row = 1; special && row < rows; row++) {
      if (row % 5 === 1) x.fill(0, row * channels, (row + 1) * channels);
      if (row % 5 === 3) x.copyWithin(row * channels, (row - 1) * channels, row * channels);
    }
    const wide = { width: channels, stride: channels + padding };
    const wider = { width: channels, stride: channels + 2 * padding };
    return {
      metric,
      channels,
      offsets: memory.ints(offsets),
      x: memory.input(x, wide),
      xStride: wide.stride,
      added: added ? memory.input(draw.floats(rows * channels, -scale, scale), wider) : undefined,
      addedStride: wider.stride,
      scores: memory.output('scores', rows, { width: 1 }),
    };
  },
  tolerance: 2e-6,
};
