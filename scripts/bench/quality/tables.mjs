import { changed } from './policies.mjs';

const metrics = ['clip', 'l1', 'l2', 'sum', 'delta', 'state', 'novel', 'novel2'];

/**
 * What is measured of a language model. A table has a title, the names of its columns and rows; a row has a name and, for each
 * column, a policy, whose difference to dense is shown, a pair of policies whose difference is, or `{ of: policy }` for its own
 * value; undefined leaves a cell empty.
 *
 * @param at the policies at each target: `{ 0.1: { utrc, ... }, 0.2: ..., 0.3: ... }`
 */
export function tables(at) {
  const { utrc, merge, prune, uniform, random } = at[0.3];
  return [
    byCut(at),
    byAlignment('Every policy, by alignment (20 %)', at[0.2]),
    byAlignment(
      'By alignment where the last tokens are safe (30 %, protectLast: 32)',
      protecting(32, { utrc, merge, prune, uniform, random }),
    ),
    byMetric('20 %', at[0.2], metrics),
    byOption('20 %', at[0.2]),
    byProtection(at[0.2]),
  ];
}

function byCut(at) {
  return {
    title: "Every policy, by the share of the blocks' FLOPs that is cut (alignment `next`)",
    columns: ['10 %', '20 %', '30 %'],
    rows: Object.keys(at[0.2]).map((name) => ({ name, cells: [0.1, 0.2, 0.3].map((cut) => at[cut][name]) })),
  };
}

/** @param policies `{ name: policy }`, aligned with `next` */
export function byAlignment(title, policies) {
  return {
    title,
    columns: ['none', 'next', 'previous', 'next - none', 'previous - next'],
    rows: Object.entries(policies).map(([name, next]) => {
      const none = changed(next, { alignment: 'none' });
      const previous = changed(next, { alignment: 'previous' });
      return { name, cells: [none, next, previous, [next, none], [previous, next]] };
    }),
  };
}

/** @param cut the share of FLOPs that the policies save, as text */
export function byMetric(cut, { prune, utrc }, metrics) {
  const measures = [
    ...metrics.map((metric) => ({ metric })),
    ...['ssm', 'block'].map((source) => ({ metric: 'clip', source })),
  ];
  return {
    title: `By importance (${cut}, alignment \`next\`; source \`gated\` unless said)`,
    columns: ['`prune`', '`prune`, less `clip`', '`utrc`', '`utrc`, less `clip`'],
    rows: measures.map((importance) => ({
      name: importance.source ? `${importance.metric}, source ${importance.source}` : importance.metric,
      cells: [prune, utrc].flatMap((policy) => withDifference(changed(policy, { importance }), policy)),
    })),
  };
}

/** Options, and the policies that have them. */
const options = [
  { change: { conv: 'aligned' }, of: ['utrc', 'merge', 'prune'] },
  { change: { direction: 'forward' }, of: ['utrc', 'merge'] },
  { change: { similarity: 'residual' }, of: ['utrc', 'merge'] },
  { change: { similarity: 'sum' }, of: ['utrc', 'merge'] },
  { change: { direction: 'forward', similarity: 'sum' }, of: ['utrc', 'merge'] },
  { change: { hidden: { q: 0 } }, of: ['utrc'] },
  { change: { hidden: { q: 1 }, residual: { q: 1 } }, of: ['utrc'] },
  { change: { fuse: true }, of: ['prune'] },
];

export function byOption(cut, policies) {
  const names = ['utrc', 'merge', 'prune'];
  return {
    title: `By option (${cut}, alignment \`next\`)`,
    columns: names.flatMap((name) => [`\`${name}\``, 'less default']),
    rows: options.map(({ change, of }) => ({
      name: describe(change),
      cells: names.flatMap((name) =>
        of.includes(name)
          ? withDifference(changed(policies[name], change), policies[name])
          : [undefined, undefined],
      ),
    })),
  };
}

function byProtection({ utrc, merge, prune, uniform, random, recent }) {
  const rows = {
    utrc,
    'utrc forward, sum': changed(utrc, { direction: 'forward', similarity: 'sum' }),
    merge,
    'prune clip': prune,
    'prune novel': changed(prune, { importance: { metric: 'novel' } }),
    'prune state': changed(prune, { importance: { metric: 'state' } }),
    uniform,
    recent,
    ...Object.fromEntries([0, 1, 2, 3].map((seed) => [`random, seed ${seed}`, changed(random, { seed })])),
  };
  const lasts = [1, 32, 64];
  return {
    title: 'By the number of last bytes that are protected (20 %, alignment `next`)',
    columns: lasts.map((last) => `protectLast: ${last}`),
    rows: Object.entries(rows).map(([name, policy]) => ({
      name,
      cells: lasts.map((protectLast) => changed(policy, { protectLast })),
    })),
  };
}

function protecting(protectLast, policies) {
  const entries = Object.entries(policies);
  return Object.fromEntries(entries.map(([name, policy]) => [name, changed(policy, { protectLast })]));
}

/** A policy, and what it costs more than the one with default options; nothing for that one itself. */
function withDifference(policy, byDefault) {
  const same = JSON.stringify(policy) === JSON.stringify(byDefault);
  return [policy, same ? undefined : [policy, byDefault]];
}

/** `{ hidden: { q: 0 } }` as `hidden.q: 0`. */
function describe(change) {
  return Object.entries(change)
    .map(([name, value]) => (typeof value === 'object' ? `${name}.${describe(value)}` : `${name}: ${value}`))
    .join(', ');
}
