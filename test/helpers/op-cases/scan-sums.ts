import type { NativeFloats, NativeScanScores } from '../../../lib/native-types';
import type { ScanPath } from '../../../lib/scan-path';
import type { Draw } from '../random';
import type { GuardedMemory } from './guarded-memory';
import { buildScores, type ScoredCase } from './importance';
import type { SelectiveScanCase } from './selective-scan';

/** What a scan adds up with earlier ones. */
export type SummedCase = {
  /** What earlier scans gave is added: from memory of its own or from where y goes, which is not u then. */
  sumIn?: 'separate' | 'inPlace';
  /** Factor of the sum. */
  outputScale?: number;
  /** Scores of dt are the means with earlier ones: from memory of their own or from where they go. */
  importanceIn?: 'separate' | 'inPlace';
};

type Change = Partial<SelectiveScanCase>;

const meanTable: readonly (readonly [what: string, change: Change])[] = [
  ['', {}],
  [', many sequences and rows skipped', { lengths: [40, 3, 95], keep: 0.6 }],
  [', dt of other rows', { otherParams: true, keep: 0.7 }],
  [', decoding steps of a sum', { lengths: [1, 1, 1], sumIn: 'inPlace' }],
  [', a sum of many channels', { lengths: [9, 1, 17], channels: 512, sumIn: 'separate' }],
];

/** Scans over the same rows that add up, as in models that walk in several directions. */
export const sumTable: readonly (readonly [why: string, change: Change])[] = [
  ['added to earlier scans', { sumIn: 'separate' }],
  ['added to earlier scans in place', { sumIn: 'inPlace' }],
  ['the mean of two scans', { sumIn: 'inPlace', outputScale: 0.5 }],
  [
    'the mean of two scans, y over u',
    { sumIn: 'separate', outputScale: 0.5, inPlace: true, lengths: [40, 9] },
  ],
  ['a factor and no earlier scan', { outputScale: 0.5 }],
  ['a factor alone, without gate, skip connection, bias or state', { outputScale: 0.25, optional: false }],
  ['a sum without gate, skip connection, bias or state', { sumIn: 'inPlace', optional: false }],
  ['a sum backward', { sumIn: 'inPlace', order: 'backward', lengths: [21, 1, 40] }],
  ['a sum of a permuted path', { sumIn: 'inPlace', order: 'permuted', outputScale: 0.5, lengths: [133, 8] }],
  ['a sum over skipped rows', { sumIn: 'inPlace', keep: 0.5, order: 'permuted', lengths: [50, 140] }],
  [
    'a sum over skipped rows, dt, B and C of other rows',
    { sumIn: 'separate', keep: 0.6, otherParams: true, alignment: 'previous', outputScale: 0.5 },
  ],
  ['a sum of a sequence that loses all of its rows', { sumIn: 'separate', lengths: [12, 9, 20], emptied: 1 }],
  ['a sum in rows inside wider ones', { sumIn: 'separate', padding: 13, keep: 0.7, lengths: [70, 12] }],
  ['a sum in place in rows inside wider ones', { sumIn: 'inPlace', padding: 24, lengths: [140] }],
  ['a sum of channels off the vector width', { sumIn: 'inPlace', channels: 83, lengths: [70, 5] }],
  ['a sum of fewer channels than a vector', { sumIn: 'separate', channels: 3, outputScale: 0.5 }],
  ['a sum of groups off the vector width', { sumIn: 'inPlace', groups: 3, channels: 66, dState: 7 }],
  ['a sum of more channels than a tile', { sumIn: 'separate', channels: 531, lengths: [19] }],
  [
    'a sum of many channels and sequences',
    { sumIn: 'inPlace', lengths: [9, 1, 17], channels: 512, padding: 8 },
  ],
  [
    'a sum of many channels off the vector width',
    { sumIn: 'inPlace', lengths: [19, 3], channels: 781, keep: 0.8, outputScale: 0.5 },
  ],
  ['a sum over slices of states', { sumIn: 'inPlace', dState: 40, lengths: [140, 9], channels: 10 }],
  ['a sum of decoding steps', { sumIn: 'inPlace', lengths: [1, 1, 1], outputScale: 0.5 }],
  ['a sum of decoding steps, y over u', { sumIn: 'separate', lengths: [1, 1], inPlace: true }],
  [
    'a sum of decoding steps, one sequence emptied',
    { sumIn: 'separate', lengths: [3, 1, 2], keep: 0.34, emptied: 1 },
  ],
  ...(['clip', 'l2'] as const).flatMap((metric) =>
    (['gated', 'ssm'] as const).map((source): [string, Change] => [
      `importance ${metric} of ${source} y of a sum`,
      { importance: { metric, source }, sumIn: 'inPlace', outputScale: 0.5, keep: 0.6, lengths: [40, 95] },
    ]),
  ),
  [
    'importance clip of ssm y of a sum of many channels',
    { importance: { metric: 'clip', source: 'ssm' }, sumIn: 'separate', lengths: [9, 1, 17], channels: 512 },
  ],
  [
    'importance l1 of ssm y of a sum of decoding steps',
    { importance: { metric: 'l1', source: 'ssm' }, sumIn: 'inPlace', outputScale: 0.5, lengths: [1, 1, 1] },
  ],
  ...(['separate', 'inPlace'] as const).flatMap((importanceIn) =>
    meanTable.map(([what, change]): [string, Change] => [
      `importance delta with earlier scores, ${importanceIn}${what}`,
      { ...change, importance: { metric: 'delta', source: 'gated' }, importanceIn },
    ]),
  ),
];

/** The fields that ask for the means of scores of dt and earlier ones. */
export function buildMeanScores(
  c: ScoredCase & SummedCase,
  path: ScanPath,
  memory: GuardedMemory,
  draw: Draw,
): NativeScanScores & { importanceIn: NativeFloats } {
  const earlier = draw.floats(path.rows, 0, 2);
  if (c.importanceIn === 'separate')
    return { ...buildScores(c, path, memory), importanceIn: memory.input(earlier) };
  const inPlace = memory.inout('importance', earlier, { width: 1 }, path.paramIndex);
  return { ...c.importance, importance: inPlace, importanceIn: inPlace };
}
