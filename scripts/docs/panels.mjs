import { element, group, polyline, text } from './svg.mjs';

/** Below a panel's title and its key. */
const headingHeight = 46;

/** Every token has its column in all panels; labels stand left and right of them. */
export const left = 104;
export const cell = 18;
const box = 16;
const center = (position) => left + cell * position + cell / 2;

/** `prune` and the like: which tokens each reduction removes, and the gaps of the path that is left. */
export function pathPanel({ title, prompt, paths }) {
  const rowHeight = 38;
  const rows = [{ label: 'prompt', positions: [...prompt].map((_, i) => i) }, ...paths];
  const drawn = rows.map(({ layer, positions, gaps }, i) => {
    const before = new Set(i > 0 ? rows[i - 1].positions : positions);
    const kept = new Map(Array.from(positions, (position, k) => [position, gaps?.[k] ?? 1]));
    const tokens = [...prompt].map((character, position) => {
      if (!before.has(position))
        return element('circle', { class: 'dot', cx: center(position), cy: 8, r: 2 });
      const gap = kept.get(position);
      return [
        token(position, character, gap !== undefined),
        gap > 1 ? text(center(position), box + 11, gap, { class: 'gap' }) : [],
      ];
    });
    return group(
      0,
      headingHeight + i * rowHeight,
      text(left - 10, 12, layer === undefined ? 'prompt' : `after layer ${layer}`, { class: 'end' }),
      text(left + cell * prompt.length + 8, 12, `${positions.length}`, { class: 'note' }),
      tokens,
    );
  });
  const key =
    'Dashed: removed by this reduction. Dots: removed before. Below a token: its gap, where it is not 1. At the right: tokens left.';
  return { height: headingHeight + rows.length * rowHeight, svg: [heading(title, key), drawn] };
}

/** A merging policy: where the content of removed tokens goes. */
export function mergePanel({ title, prompt, rows }) {
  const arcs = 62;
  const rowHeight = arcs + 30;
  const drawn = rows.map(({ label, selection }, i) => {
    const { destHidden, destResidual } = selection;
    return group(
      0,
      headingHeight - 8 + i * rowHeight,
      text(left - 10, arcs + 12, label, { class: 'end' }),
      group(
        0,
        arcs,
        [...prompt].map((character, position) =>
          token(position, character, destResidual[position] === position),
        ),
      ),
      Array.from(destResidual, (to, from) =>
        to < 0 || to === from ? [] : arc(from, to, arcs, destHidden[from] < 0),
      ),
    );
  });
  const key =
    'Solid: merged in both branches. Dashed: merged in the residual branch, dropped from the hidden one. Orange: into an earlier token.';
  return { height: headingHeight - 8 + rows.length * rowHeight, svg: [heading(title, key), drawn] };
}

/** One head's state along a path: what is left of it after each position. */
export function decayPanel({ title, note, prompt, kept, curves }) {
  const height = 150;
  const top = headingHeight;
  const y = (share) => top + height * (1 - share);
  const isKept = new Set(kept);
  const bands = [...prompt].map((_, position) =>
    isKept.has(position)
      ? []
      : element('rect', { class: 'band', x: center(position) - cell / 2, y: top, width: cell, height }),
  );
  const characters = [...prompt].map((character, position) =>
    text(center(position), top + height + 16, visible(character), {
      class: isKept.has(position) ? 'char' : 'char faded',
    }),
  );
  const axis = [0, 0.5, 1].map((share) => [
    polyline(
      [
        [left, y(share)],
        [left + cell * prompt.length, y(share)],
      ],
      { class: 'axis' },
    ),
    text(left - 10, y(share) + 4, `${100 * share} %`, { class: 'end note' }),
  ]);
  const drawn = Object.entries(curves).map(([name, shares]) =>
    polyline([[left, y(1)], ...shares.map((share, position) => [center(position), y(share)])], {
      class: `line ${name === 'dense' ? 'line-muted dashed' : `line-${name}`}`,
    }),
  );
  return {
    height: top + height + 24,
    svg: [heading(title, note), bands, axis, drawn, characters, endLabels(prompt, curves, y)],
  };
}

/** Names and last values at the right of the curves, moved apart where they would overlap. */
function endLabels(prompt, curves, y) {
  const labels = Object.entries(curves)
    .map(([name, shares]) => ({ name, share: shares.at(-1), at: y(shares.at(-1)) + 4 }))
    .sort((a, b) => a.at - b.at);
  const spacing = 14;
  const middle = labels.reduce((sum, { at }) => sum + at, 0) / labels.length;
  return labels.map(({ name, share }, i) =>
    text(
      left + cell * prompt.length + 6,
      middle + spacing * (i - (labels.length - 1) / 2),
      `${name} ${(100 * share).toFixed(0)} %`,
      { class: `fill-${name === 'dense' ? 'muted' : name}` },
    ),
  );
}

function heading(title, note) {
  return [text(20, 12, title, { class: 'title' }), text(20, 30, note, { class: 'note' })];
}

function token(position, character, isKept) {
  return [
    element('rect', {
      class: isKept ? 'kept' : 'removed',
      x: center(position) - box / 2,
      y: 0,
      width: box,
      height: box,
      rx: 3,
    }),
    text(center(position), 12, visible(character), {
      class: isKept ? 'char' : 'char faded',
    }),
  ];
}

/** From a removed token to the one it is merged into; orange where that one comes earlier. */
function arc(from, to, bottom, dropped) {
  const [start, end] = [center(from), center(to)];
  const rise = Math.min(bottom + 14, 16 + 3.2 * Math.abs(to - from));
  const name = to < from ? 'none' : 'next';
  return [
    element('path', {
      class: `line line-${name}${dropped ? ' dashed' : ''}`,
      fill: 'none',
      d: `M${start} ${bottom - 1}C${start} ${bottom - rise} ${end} ${bottom - rise} ${end} ${bottom - 4}`,
    }),
    element('path', { class: `fill-${name}`, d: `M${end - 4} ${bottom - 7}h8l-4 6z` }),
  ];
}

function visible(character) {
  return character === ' ' ? '␣' : character;
}
