import { changed } from './policies.mjs';
import { byAlignment, byMetric, byOption } from './tables.mjs';

/** All that can score an image's tokens: `state` is for causal models. */
const metrics = ['clip', 'l1', 'l2', 'sum', 'delta', 'novel', 'novel2'];

/** Shares of the blocks' FLOPs to save. */
export const cuts = [0.15, 0.3, 0.45];

/**
 * What is measured of a vision model, in the form of tables.mjs.
 *
 * @param at the policies at each cut: `{ 0.15: { utrc, ... }, 0.3: ..., 0.45: ... }`
 */
export function visionTables(at) {
  const { recommended: _, 'released-top': _unaligned, ...aligned } = at[0.3];
  return [
    byCut(at),
    byAlignment('Every policy, by alignment (30 %)', { ...aligned, ...novel(at[0.3]) }),
    ...[0.15, 0.45].map((cut) => {
      const { prune, merge, utrc, uniform, random } = at[cut];
      const some = { prune, ...novel(at[cut]), merge, utrc, uniform, random };
      return byAlignment(`Some policies, by alignment (${percent(cut)})`, some);
    }),
    byMetric('30 %', at[0.3], metrics),
    byOption('30 %', at[0.3]),
    controls(at),
  ];
}

/** Pruning by what the block adds to a token, which is what `recommended` does for vision models. */
function novel({ prune }) {
  return {
    'prune novel': changed(prune, { importance: { metric: 'novel' } }),
    'prune novel2': changed(prune, { importance: { metric: 'novel2' } }),
  };
}

function byCut(at) {
  return {
    title:
      "Top-1 of every policy, by the share of the blocks' FLOPs that is cut (alignment `next` where there is one)",
    columns: cuts.flatMap((cut) => [percent(cut), 'minus dense']),
    rows: [
      { name: 'dense', cells: cuts.flatMap(() => [{ of: undefined }, undefined]) },
      ...rowsOf(at, (policies) => policies),
    ],
  };
}

/** What knows nothing of the image: how much of an accuracy is due to the choice of tokens? */
function controls(at) {
  return {
    title: 'Controls, which do not look at the image (alignment `next`)',
    columns: cuts.flatMap((cut) => [percent(cut), 'minus dense']),
    rows: rowsOf(at, ({ uniform, recent, random }) => ({
      uniform,
      recent,
      ...Object.fromEntries([0, 1, 2, 3].map((seed) => [`random, seed ${seed}`, changed(random, { seed })])),
    })),
  };
}

function rowsOf(at, choose) {
  return Object.keys(choose(at[cuts[0]])).map((name) => ({
    name,
    cells: cuts.flatMap((cut) => {
      const policy = choose(at[cut])[name];
      return [{ of: policy }, policy];
    }),
  }));
}

function percent(share) {
  return `${100 * share} %`;
}
