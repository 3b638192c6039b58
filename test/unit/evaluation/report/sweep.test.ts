import {
  type Axis,
  optionsAt,
  pointsOf,
  type Sweep,
  valueText,
} from '../../../../lib/evaluation/report/sweep';

const alignment: Axis = {
  name: 'alignment',
  path: 'alignment',
  of: ['utrc', 'prune', 'random'],
  values: ['none', 'next', 'previous'],
};
const metric: Axis = {
  name: 'metric',
  path: 'importance.metric',
  of: ['utrc', 'prune'],
  values: ['clip', 'state'],
};
const source: Axis = {
  name: 'source',
  path: 'importance.source',
  of: ['utrc', 'prune'],
  values: ['gated', 'ssm'],
};
const seed: Axis = { name: 'seed', path: 'seed', of: ['random'], values: [0, 1] };

const sweep = (o: Partial<Sweep>): Sweep => ({
  policies: ['prune'],
  cuts: [0.1, 0.2],
  axes: [],
  oneAtATime: false,
  ...o,
});
const places = (o: Partial<Sweep>) => pointsOf(sweep({ cuts: [0.1], ...o })).map(({ at }) => at);

test('every policy at every cut', () => {
  expect(pointsOf(sweep({ policies: ['prune', 'recommended'] }))).toEqual([
    { policy: 'prune', cut: 0.1, at: {} },
    { policy: 'prune', cut: 0.2, at: {} },
    { policy: 'recommended', cut: 0.1, at: {} },
    { policy: 'recommended', cut: 0.2, at: {} },
  ]);
});

test('all values meet all others, or each list is varied alone', () => {
  const axes = [alignment, metric];
  expect(places({ axes })).toHaveLength(6);
  expect(places({ axes, oneAtATime: true })).toEqual([
    { alignment: 0, metric: 0 },
    { alignment: 1, metric: 0 },
    { alignment: 2, metric: 0 },
    { alignment: 0, metric: 1 },
  ]);
});

test('what an option makes no difference to is measured once', () => {
  const axes = [alignment, metric, seed];
  expect(places({ policies: ['released-top'], axes })).toEqual([{}]);
  expect(places({ policies: ['random'], axes })).toHaveLength(6); // alignments and seeds, no metric
  expect(places({ policies: ['prune'], axes })).toHaveLength(6); // alignments and metrics, no seed
  expect(places({ policies: ['prune', 'prune'], cuts: [0.1, 0.1] })).toHaveLength(1);
});

test('the state has no source', () => {
  expect(places({ axes: [metric, source] })).toEqual([
    { metric: 0, source: 0 },
    { metric: 0, source: 1 },
    { metric: 1 },
  ]);
  expect(places({ axes: [source] })).toHaveLength(2);
  expect(places({ axes: [metric, source], oneAtATime: true })).toHaveLength(3);
});

test('points say options as the policies take them', () => {
  const axes = [alignment, metric, { ...source, values: ['ssm'] }];
  const [first, second] = pointsOf(sweep({ axes }));
  expect(optionsAt(first, axes)).toEqual({
    alignment: 'none',
    importance: { metric: 'clip', source: 'ssm' },
  });
  expect(optionsAt(second, axes)).toEqual({ alignment: 'none', importance: { metric: 'state' } });
  expect(optionsAt({ at: {} }, [alignment])).toEqual({});
});

test('values as text', () => {
  expect(['next', 0.5, true, false, [1, 3]].map(valueText)).toEqual(['next', '0.5', 'yes', 'no', '1 3']);
});
