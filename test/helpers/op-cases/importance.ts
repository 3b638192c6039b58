import type { NativeScanScores } from '../../../lib/native-types';
import type { ScanPath } from '../../../lib/scan-path';
import type { GuardedMemory } from './guarded-memory';
import type { PathCase } from './paths';

type ScoredMetric = NonNullable<NativeScanScores['metric']>;
/** The scores that a case asks for. */
export type ScoredCase = { importance?: { metric: ScoredMetric; source: 'gated' | 'ssm' } };

const means = ['clip', 'l1', 'l2', 'sum'] as const;
const skipping = { lengths: [40, 3, 95], keep: 0.6 };

/** What tables of scans have in common. */
export const scoredTable: readonly (readonly [string, ScoredCase & Partial<PathCase>])[] = [
  ...means.flatMap((metric) =>
    (['gated', 'ssm'] as const).map(
      (source) => [`importance ${metric} of ${source} y`, { importance: { metric, source } }] as const,
    ),
  ),
  ...[...means, 'delta' as const].map(
    (metric) =>
      [
        `importance ${metric} over skipped rows, packed`,
        { importance: { metric, source: 'gated' }, ...skipping },
      ] as const,
  ),
  ['importance of rows backward', { importance: { metric: 'l2', source: 'ssm' }, order: 'backward' }],
  ['importance of a permuted path', { importance: { metric: 'l1', source: 'gated' }, order: 'permuted' }],
  [
    'importance of a sequence that loses all of its rows',
    { importance: { metric: 'clip', source: 'gated' }, lengths: [12, 9, 20], emptied: 1 },
  ],
  ['importance of one row', { importance: { metric: 'l1', source: 'gated' }, lengths: [1] }],
  ['importance of one row each', { importance: { metric: 'clip', source: 'ssm' }, lengths: [1, 1, 1] }],
  [
    'importance where dt is of other rows',
    { importance: { metric: 'l1', source: 'gated' }, otherParams: true, keep: 0.7 },
  ],
  [
    'importance delta where dt is of other rows',
    { importance: { metric: 'delta', source: 'gated' }, otherParams: true, keep: 0.7 },
  ],
];

/** Rows of a table that ask for the scores of this metric too. */
export function scored<Change>(
  metric: ScoredMetric,
  table: readonly (readonly [why: string, change: Change])[],
): (readonly [why: string, change: Change & ScoredCase])[] {
  return table.map(([why, change]) => [
    `importance ${metric} ${why}`,
    { ...change, importance: { metric, source: 'gated' } },
  ]);
}

/** The fields that ask a scan for scores. A score of dt belongs to the row that the dt is of. */
export function buildScores(
  { importance }: ScoredCase,
  path: ScanPath,
  memory: GuardedMemory,
): NativeScanScores {
  if (!importance) return {};
  const rows = importance.metric === 'delta' ? path.paramIndex : path.index;
  return { ...importance, importance: memory.output('importance', path.rows, { width: 1 }, rows) };
}
