import { taskPlots } from '../../../../lib/evaluation/report/plots';
import type { Axis, Sweep } from '../../../../lib/evaluation/report/sweep';
import { parseXml } from '../../../helpers/xml';
import { acc, madeUpReport, madeUpTask, perplexity } from './fixtures';

const alignment: Axis = {
  name: 'alignment',
  path: 'alignment',
  of: ['prune', 'utrc'],
  values: ['none', 'next'],
};
const protectLast: Axis = { name: 'protectLast', path: 'protectLast', of: ['prune'], values: [1] };
const sweep: Sweep = {
  policies: ['prune', 'utrc', 'recommended'],
  cuts: [0.1, 0.2],
  axes: [alignment, protectLast],
  oneAtATime: false,
};
const task = madeUpTask([acc, perplexity], (sample, reduction) => (reduction ? 0.4 + sample / 10 : 0.9));

const titles = (svg: string) =>
  parseXml(svg)
    .all('text')
    .filter(({ attributes }) => attributes.class === 'title')
    .map(({ text }) => text);

test('a plot of each metric, and one of each option with several values', async () => {
  const plots = taskPlots(await madeUpReport(task, sweep), sweep);
  expect(Object.keys(plots)).toEqual(['made-up.svg', 'made-up-alignment.svg']);
  expect(titles(plots['made-up.svg'])).toEqual(['acc', 'perplexity']);
  expect(titles(plots['made-up-alignment.svg'])).toEqual([
    'prune: acc by alignment',
    'utrc: acc by alignment',
  ]);
  const legend = (svg: string) =>
    parseXml(svg)
      .children.filter(({ name }) => name === 'text')
      .map(({ text }) => text);
  expect(legend(plots['made-up.svg'])).toEqual(['prune', 'utrc', 'recommended', 'dense']);
  expect(legend(plots['made-up-alignment.svg'])).toEqual(['none', 'next', 'dense']);
});

test('points have the errors of their differences, shares in per cent', async () => {
  const [panel] = parseXml(taskPlots(await madeUpReport(task, sweep), sweep)['made-up.svg']).all('g');
  expect(panel.all('path').filter(({ attributes }) => attributes.class === 'error')).toHaveLength(3);
  const ticks = panel.all('text').filter(({ attributes }) => attributes['text-anchor'] === 'end');
  expect(ticks.map(({ text }) => Number(text)).at(-1)).toBe(90); // dense
});

test('a single cut is no line', async () => {
  const one = { ...sweep, cuts: [0.2] };
  expect(taskPlots(await madeUpReport(task, one), one)).toEqual({});
});
