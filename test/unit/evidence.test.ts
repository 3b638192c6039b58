import { report } from '../../lib/cli/report';
import { sweepFromOptions } from '../../lib/cli/sweep-options';
import { publishedConfig } from '../../lib/models/vision-names';
import { mambaTwo1b3 } from './reduction/fixtures';

type Run = { name: string; model: string; args: string[] };

const { runs } = jest.requireActual<{ runs: Run[] }>('../../scripts/evidence/runs.mjs');
const { cellOf, paired, together } = jest.requireActual('../../scripts/evidence/results.mjs');

test('every run of the study has a name of its own', () => {
  expect(new Set(runs.map(({ name }) => name)).size).toBe(runs.length);
});

test.each<[string, Run]>(runs.map((run) => [run.name, run]))('%s is a sweep that report knows', (_, run) => {
  const values: Record<string, string | boolean> = {};
  for (let i = 0; i < run.args.length; i += 1) {
    const name = run.args[i].replace(/^--/, '');
    if (name === run.args[i]) continue; // the folder
    expect(report.options).toHaveProperty(name);
    values[name] = report.options[name].type === 'boolean' ? true : run.args[++i];
  }
  const shape = /vim|photos|tuned/.test(run.model) ? 'vim-small' : 'plainmamba-l1';
  const config = run.args[0].startsWith('{p') ? publishedConfig(shape) : mambaTwo1b3;
  const { policies, cuts } = sweepFromOptions(values)(config);
  expect(policies.length * cuts.length).toBeGreaterThan(0);
});

const task = {
  axes: [
    { name: 'alignment', values: ['none', 'next'] },
    { name: 'seed', values: [0, 1] },
  ],
  cells: [
    { policy: 'prune', cut: 0.2, options: { alignment: 'none' }, values: { acc: [1, 0, 1, 1] } },
    { policy: 'prune', cut: 0.2, options: { alignment: 'next' }, values: { acc: [1, 1, 1, 0] } },
    { policy: 'random', cut: 0.2, options: { alignment: 'none', seed: 1 }, values: { acc: [0, 0, 0, 0] } },
  ],
};

test('a cell is found by its options, those not said at their first value', () => {
  const [none, next, random] = task.cells;
  expect(cellOf(task, { policy: 'prune', cut: 0.2 })).toBe(none);
  expect(cellOf(task, { policy: 'prune', cut: 0.2, alignment: 'next' })).toBe(next);
  expect(cellOf(task, { policy: 'random', cut: 0.2, seed: 1 })).toBe(random);
  expect(cellOf(task, { policy: 'random', cut: 0.2 })).toBeUndefined();
  expect(cellOf(task, { policy: 'prune', cut: 0.3 })).toBeUndefined();
});

test('one model has its error over samples, several the error between them', () => {
  expect(together([])).toBeUndefined();
  expect(together([{ mean: 2, standardError: 0.5 }])).toEqual({ mean: 2, standardError: 0.5, models: 1 });
  const several = together([1, 2, 3].map((mean) => ({ mean, standardError: 9 })));
  expect(several).toEqual({ mean: 2, standardError: Math.sqrt(1 / 3), models: 3 });
  const [none, next] = task.cells;
  expect(paired('acc', next, none)).toEqual({ mean: 0, standardError: Math.sqrt(2 / 3 / 4) });
});
