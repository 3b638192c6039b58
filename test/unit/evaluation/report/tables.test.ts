import { differenceText, valueText } from '../../../../lib/evaluation/report/format';
import { markdownTable } from '../../../../lib/evaluation/report/markdown';
import type { Axis, Sweep } from '../../../../lib/evaluation/report/sweep';
import { metricTables, taskTables } from '../../../../lib/evaluation/report/tables';
import type { Policy } from '../../../../lib/reduction';
import { acc, madeUpReport, madeUpTask, perplexity } from './fixtures';

const alignment: Axis = {
  name: 'alignment',
  path: 'alignment',
  of: ['prune', 'random'],
  values: ['none', 'next', 'previous'],
};
const seed: Axis = { name: 'seed', path: 'seed', of: ['random'], values: [0, 1, 2] };
const sweep: Sweep = { policies: ['prune', 'random'], cuts: [0.1, 0.2], axes: [], oneAtATime: false };

/** Dense 0; what an alignment, a seed and the cut cost is added up. */
function cost(_sample: number, reduction?: Policy): number {
  if (!reduction || !('alignment' in reduction)) return 0;
  const seedCost = reduction.name === 'random' ? reduction.seed : 0;
  const cut = 'flopsReduction' in reduction ? reduction.flopsReduction! : 0;
  return { none: 0, next: 0.25, previous: 0.5 }[reduction.alignment] + seedCost + cut;
}
const logprob = { ...acc, name: 'logprob', share: false };
const task = madeUpTask([logprob], cost);
const tablesOf = async (o: Partial<Sweep>) => {
  const swept = { ...sweep, ...o };
  return metricTables(await madeUpReport(task, swept), swept, logprob);
};

test('by cut: every policy and dense', async () => {
  const tables = await tablesOf({});
  expect(tables).toHaveLength(1);
  const [{ title, columns, rows }] = tables;
  expect(title).toBe("logprob by the share of the blocks' FLOPs that is cut (nats)");
  expect(columns).toEqual(['10 %', '- dense', '20 %', '- dense']);
  expect(rows).toEqual([
    { name: 'dense', cells: ['0.0000 ± 0.0000', '', '0.0000 ± 0.0000', ''] },
    ...['prune', 'random'].map((name) => ({
      name,
      cells: ['0.3500 ± 0.0000', '+0.3500 ± 0.0000', '0.4500 ± 0.0000', '+0.4500 ± 0.0000'],
    })),
  ]);
});

test('by alignment: a table for each cut, with differences of neighbours', async () => {
  const tables = await tablesOf({ axes: [alignment] });
  expect(tables.map(({ title }) => title.replace(/:.*/, ''))).toEqual([
    "logprob by the share of the blocks' FLOPs that is cut (nats)",
    'logprob by alignment at a cut of 10 %',
    'logprob by alignment at a cut of 20 %',
  ]);
  expect(tables[2].columns).toEqual(['none', 'next', 'previous', 'next - none', 'previous - next']);
  expect(tables[2].rows[0]).toEqual({
    name: 'prune',
    cells: ['+0.2000', '+0.4500', '+0.7000', '+0.2500', '+0.2500'].map((text) => `${text} ± 0.0000`),
  });
});

test('by another option: differences to dense and to the first value, and the spread of seeds', async () => {
  const axes = [alignment, seed];
  const table = (await tablesOf({ axes, cuts: [0.1] })).find(({ title }) =>
    title.startsWith('logprob by seed'),
  )!;
  expect(table.columns).toEqual(['10 %', '- 0']);
  expect(table.rows.slice(0, 4)).toEqual([
    { name: 'random, seed 0', cells: ['+0.1000 ± 0.0000', ''] },
    { name: 'random, seed 1', cells: ['+1.1000 ± 0.0000', '+1.0000 ± 0.0000'] },
    { name: 'random, seed 2', cells: ['+2.1000 ± 0.0000', '+2.0000 ± 0.0000'] },
    // Of 0.1, 1.1, 2.1: 1.1, and a standard deviation of 1 by the root of 3.
    { name: 'random, mean over seeds ± its error by seed', cells: ['+1.1000 ± 0.5774', ''] },
  ]);
  expect(table.rows[4].name).toBe('random, alignment next, seed 0');
  expect(table.rows).toHaveLength(12);
});

test('an option that has one value has no table', async () => {
  const one = { ...alignment, values: ['next'] };
  expect(await tablesOf({ axes: [one] })).toHaveLength(1);
});

test('of one at a time, only what was measured', async () => {
  const tables = await tablesOf({ axes: [alignment, seed], cuts: [0.1], oneAtATime: true });
  const bySeed = tables.find(({ title }) => title.startsWith('logprob by seed'))!;
  expect(bySeed.rows).toHaveLength(4);
  const byAlignment = tables.find(({ title }) => title.startsWith('logprob by alignment'))!;
  expect(byAlignment.rows.map(({ name }) => name)).toEqual(['prune', 'random']);
});

test('thresholds, and what they save', async () => {
  const swept: Sweep = { ...sweep, policies: ['ltmp', 'prune'] };
  const [table] = taskTables(await madeUpReport(task, swept), swept);
  expect(table.rows.map(({ name }) => name)).toEqual(['ltmp, for 10 %', 'ltmp, for 20 %']);
  expect(table.rows[1].cells).toEqual([expect.stringMatching(/^0\.(2|1999)/), expect.any(String), '1 %']);
  const report = await madeUpReport(task, sweep);
  const { cells } = report;
  const all = { ...report, cells: cells.map((cell) => ({ ...cell, saved: cell.cut })) };
  expect(taskTables(all, sweep)).toEqual([]);
  const [short] = taskTables({ ...report, cells: [{ ...cells[0], saved: 0.04 }, all.cells[1]] }, sweep);
  expect(short.title).toMatch(/^Less saved than the cut/);
  expect(short.rows).toEqual([{ name: 'prune, for 10 %', cells: ['4 %'] }]);
});

test('perplexities by the delta method', async () => {
  const of = madeUpTask([perplexity], (sample, reduction) => -1 - (reduction ? 1 + sample / 10 : 0));
  const swept: Sweep = { ...sweep, policies: ['prune'], cuts: [0.2] };
  const [{ rows }] = metricTables(await madeUpReport(of, swept), swept, perplexity);
  const mean = Math.exp(2.15);
  const error = (mean * Math.sqrt((0.15 ** 2 + 0.05 ** 2) * 2)) / Math.sqrt(3 * 4);
  expect(rows[0].cells[0]).toBe(`${Math.E.toFixed(2)} ± 0.00`);
  expect(rows[1].cells[0]).toBe(`${mean.toFixed(2)} ± ${error.toFixed(2)}`);
  expect(rows[1].cells[1]).toBe(`+${(mean - Math.E).toFixed(2)} ± ${error.toFixed(2)}`);
});

test('numbers as text', () => {
  const of = (mean: number, standardError = 0.001) => ({ mean, standardError });
  expect(valueText(acc, of(0.8125, 0.0039))).toBe('81.25 ± 0.39');
  expect(valueText(logprob, of(-1.23456))).toBe('-1.2346 ± 0.0010');
  expect(valueText(perplexity, of(532.517, 3))).toBe('532.52 ± 3.00');
  expect(valueText(perplexity, of(49017.2, 700))).toBe('49017 ± 700');
  expect(valueText(logprob, of(1.5, Number.NaN))).toBe('1.5000');
  expect(differenceText(acc, of(0.01, 0.002))).toBe('+1.00 ± 0.20');
  expect(differenceText(acc, of(-0.00001))).toBe('0.00 ± 0.10');
  expect(differenceText(logprob, of(0.00001))).toBe('0.0000 ± 0.0010');
});

test('a table in Markdown', () => {
  const table = { title: 'A title', columns: ['a', 'b|c'], rows: [{ name: 'row', cells: ['1', ''] }] };
  expect(markdownTable(table)).toBe('**A title**\n\n|  | a | b\\|c |\n| --- | ---: | ---: |\n| row | 1 |  |');
});
