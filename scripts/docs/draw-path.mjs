#!/usr/bin/env node
/**
 * Draws docs/images/skipping.svg: what reductions do to a sentence in the shipped model. Nothing in it is made up: the tokens
 * that go, where they are merged to and the decay are computed by the model and the public operators.
 *
 *     node scripts/docs/draw-path.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadLanguageModel, paperSchedule, prune, utrc } from 'skipscan';
import { cell, decayPanel, left, mergePanel, pathPanel } from './panels.mjs';
import { decays, firstSelection, reducedPaths, timeSteps } from './path-data.mjs';
import { style } from './style.mjs';
import { element, group } from './svg.mjs';

const prompt = 'The old man looked at the sea and was silent.';
const keep = 0.8;
const file = fileURLToPath(new URL('../../docs/images/skipping.svg', import.meta.url));
const shippedModel = fileURLToPath(new URL('../../models/tiny-mamba2', import.meta.url));

const model = await loadLanguageModel(shippedModel, { device: 'cpu' });
const tokens = [...Buffer.from(prompt)];
const { layers } = paperSchedule(model.config);

const paths = await reducedPaths(model, tokens, prune({ layers, keep }));
const merging = { layers: layers.slice(0, 1), keep, importance: { source: 'block' } };
const [anywhere, forward] = await Promise.all(
  ['any', 'forward'].map((direction) => firstSelection(model, tokens, utrc({ ...merging, direction }))),
);
const [{ positions }] = paths;
const block = layers[0] + 1; // the first one that reads reduced tokens
const { head, curves } = clearestHead(await timeSteps(model, tokens, block), positions);
await model.dispose();

mkdirSync(dirname(file), { recursive: true });
writeFileSync(
  file,
  picture([
    pathPanel({
      title: `prune: each reduction keeps ${100 * keep} % of the tokens`,
      prompt,
      paths,
    }),
    mergePanel({
      title: 'utrc: where the first reduction puts the tokens that it removes, by direction',
      prompt,
      rows: [
        { label: 'any', selection: anywhere },
        { label: 'forward', selection: forward },
      ],
    }),
    decayPanel({
      title: 'alignment: what is left of a state from before the sentence, token by token',
      note: `Head ${head} of layer ${block}, which reads the path that the first reduction of prune left. Grey columns: skipped positions. Dense: nothing is skipped.`,
      prompt,
      kept: positions,
      curves,
    }),
  ]),
);
console.log(file);
for (const [name, shares] of Object.entries(curves))
  console.log(`  ${name}: ${shares.at(-1).toFixed(3)} left`);

/** The head that forgets about three quarters along the sentence: neither all nor nothing. */
function clearestHead({ A, dt }, kept) {
  const heads = A.map((a, head) => ({
    head,
    curves: decays(
      a,
      dt.map((row) => row[head]),
      kept,
    ),
  }));
  const distance = ({ curves }) => Math.abs(curves.dense.at(-1) - 0.25);
  return heads.reduce((best, other) => (distance(other) < distance(best) ? other : best));
}

/** The panels below each other on a card. */
function picture(panels) {
  const margin = 20;
  const between = 26;
  const width = left + cell * prompt.length + 110;
  let at = margin;
  const placed = panels.map(({ svg, height }) => {
    const drawn = group(0, at, svg);
    at += height + between;
    return drawn;
  });
  const height = at - between + margin;
  return element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, role: 'img' },
    element('title', {}, 'What token reduction does to a scan path'),
    element('style', {}, style),
    element('rect', { class: 'card', x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 8 }),
    placed,
  );
}
