import { calibratedLtmp } from '../../../../lib/evaluation/calibrate';
import { distinct, labelOf } from '../../../../lib/evaluation/report/report';
import type { Axis, Sweep } from '../../../../lib/evaluation/report/sweep';
import { prune, recommended } from '../../../../lib/reduction';
import { acc, config, madeUpReport, madeUpTask } from './fixtures';

const metric: Axis = {
  name: 'metric',
  path: 'importance.metric',
  of: ['prune', 'ltmp'],
  values: ['clip', 'state'],
};
const protectLast: Axis = { name: 'protectLast', path: 'protectLast', of: ['prune', 'ltmp'], values: [32] };
const sweep: Sweep = {
  policies: ['prune', 'recommended'],
  cuts: [0.1, 0.2],
  axes: [metric, protectLast],
  oneAtATime: false,
};
const task = madeUpTask([acc], (sample, reduction) =>
  Number(sample < (reduction?.name === 'prune' && reduction.importance.metric === 'clip' ? 1 : 3)),
);

test('each point has its policy, its values and the difference to dense', async () => {
  const report = await madeUpReport(task, sweep);
  expect(report).toMatchObject({ task: 'made-up', samples: 4, digest: task.digest, metrics: [acc] });
  expect(report.dense).toEqual({
    metrics: { acc: { mean: 0.75, standardError: 0.25 } },
    values: { acc: [1, 1, 1, 0] },
  });
  expect(report.cells.map(({ policy, cut, options }) => [policy, cut, options])).toEqual([
    ['prune', 0.1, { metric: 'clip', protectLast: 32 }],
    ['prune', 0.1, { metric: 'state', protectLast: 32 }],
    ['prune', 0.2, { metric: 'clip', protectLast: 32 }],
    ['prune', 0.2, { metric: 'state', protectLast: 32 }],
    ['recommended', 0.1, {}],
    ['recommended', 0.2, {}],
  ]);
  const [clip] = report.cells;
  expect(clip.reduction).toEqual(
    prune({ layers: [1, 2, 3, 4, 5], flopsReduction: 0.1, importance: { metric: 'clip' }, protectLast: 32 }),
  );
  expect(clip).toMatchObject({ flopsRatio: 0.8, values: { acc: [1, 0, 0, 0] } });
  expect(clip.difference.acc.mean).toBe(-0.5);
  expect(clip.difference.acc.standardError).toBeCloseTo(Math.sqrt(1 / 3 / 4), 12); // of 0, -1, -1, 0
});

test('points that come to one policy are measured once', async () => {
  // recommended is prune by state without alignment and with the last 32 tokens protected.
  const alignment: Axis = { name: 'alignment', path: 'alignment', of: ['prune'], values: ['none'] };
  const { cells } = await madeUpReport(task, { ...sweep, axes: [...sweep.axes, alignment] });
  expect(JSON.stringify(cells[4].reduction)).toBe(
    JSON.stringify(recommended(config, { flopsReduction: 0.1 })),
  );
  expect(cells[1].reduction).toEqual(cells[4].reduction);
  expect(cells[1].saved).toBe(cells[4].saved);
  const policies = cells.map(({ reduction }) => reduction);
  expect(distinct(policies)).toHaveLength(1 + 4);
  expect(distinct(policies)[0]).toBeUndefined();
  expect(cells.map(({ saved }) => saved)).toEqual([0, 0.01, 0.02, 0.03, 0.01, 0.03]);
});

test('a label names what is not at its first value', async () => {
  const { cells } = await madeUpReport(task, sweep);
  expect(cells.map((cell) => labelOf(cell, sweep.axes))).toEqual([
    'prune',
    'prune, metric state',
    'prune',
    'prune, metric state',
    'recommended',
    'recommended',
  ]);
  expect(labelOf(cells[1], sweep.axes, 'metric')).toBe('prune');
});

describe('thresholds', () => {
  // Merging saves nothing here, and dropping as much as the threshold says.
  const saved = async ({ pruneBelow }: { pruneBelow: number }) => Math.min(0.8, Math.max(0, pruneBelow));

  test('save what they are to save', async () => {
    const policy = await calibratedLtmp(saved as never, 0.3, { layers: [1] });
    expect(policy.pruneBelow).toBeCloseTo(0.3, 3);
    expect(await calibratedLtmp(saved as never, 0.3, { layers: [1], protectLast: 5 })).toMatchObject({
      protectLast: 5,
    });
  });

  test('of scores below 0', async () => {
    const lower = async (policy: { pruneBelow: number }) => saved({ pruneBelow: policy.pruneBelow + 10 });
    expect((await calibratedLtmp(lower as never, 0.3, { layers: [1] })).pruneBelow).toBeCloseTo(-9.7, 1);
  });

  test('half by merging', async () => {
    const both = async ({ pruneBelow, mergeAbove }: { pruneBelow: number; mergeAbove: number }) =>
      (await saved({ pruneBelow })) + (1 - mergeAbove) / 2;
    const policy = await calibratedLtmp(both as never, 0.4, { layers: [1] });
    expect(policy.mergeAbove).toBeCloseTo(0.6, 2);
    expect(policy.pruneBelow).toBeCloseTo(0.2, 2);
  });

  test('more than can be saved is an error that says how much can be', async () => {
    await expect(calibratedLtmp(saved as never, 0.85, { layers: [1, 2] })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('after layers 1, 2, but at most 0.8 can be saved there'),
    });
  });

  test('are set once for all alignments', async () => {
    const alignment: Axis = { name: 'alignment', path: 'alignment', of: ['ltmp'], values: ['none', 'next'] };
    const { cells } = await madeUpReport(task, {
      ...sweep,
      policies: ['ltmp'],
      cuts: [0.2],
      axes: [alignment],
    });
    expect(cells.map(({ options }) => options)).toEqual([{ alignment: 'none' }, { alignment: 'next' }]);
    const [none, next] = cells.map(({ reduction }) => reduction);
    expect(next).toEqual({ ...none, alignment: 'next' });
    expect(none).toMatchObject({ name: 'ltmp', alignment: 'none' });
  });
});
