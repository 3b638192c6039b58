import { differences, summarize } from './statistics.mjs';

/**
 * One table of tables.mjs.
 *
 * @param bitsPerByte gives a policy's loss, window by window; the dense model's without one
 */
export async function markdownTable({ title, columns, rows }, bitsPerByte) {
  const lines = [...head(title, columns)];
  for (const { name, cells } of rows) {
    const texts = [];
    for (const cell of cells) texts.push(await cellText(cell, bitsPerByte));
    lines.push(row([name, ...texts]));
  }
  return lines.join('\n');
}

/**
 * What the dense model loses when it reads the last bytes of the prompts only.
 *
 * @param rows `{ bytes, cost }`: cost window by window
 */
export function contextTable(rows) {
  return [
    ...head('Dense, with no more of the prompt than its last bytes', ['cost']),
    ...rows.map(({ bytes, cost }) => row([`${bytes} bytes`, plusMinus(summarize(cost))])),
  ].join('\n');
}

/**
 * The thresholds of ltmp, which were set for the targets, and what they save.
 *
 * @param rows `{ target, policy, saved }`
 */
export function thresholdTable(rows) {
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  return [
    ...head('Thresholds of `ltmp`', ['pruneBelow', 'mergeAbove', 'saved']),
    ...rows.map(({ target, policy, saved }) =>
      row([`for ${percent(target)}`, policy.pruneBelow, policy.mergeAbove, percent(saved)]),
    ),
  ].join('\n');
}

/** `0.0311 ± 0.0012` */
export function plusMinus({ mean, standardError }) {
  const rounded = mean.toFixed(4).replace(/^-(0\.0*)$/, '$1'); // no minus before zeros
  return `${rounded} ± ${standardError.toFixed(4)}`;
}

async function cellText(cell, bitsPerByte) {
  if (cell === undefined) return '';
  const [policy, against] = Array.isArray(cell) ? cell : [cell, undefined];
  return plusMinus(summarize(differences(await bitsPerByte(policy), await bitsPerByte(against))));
}

function head(title, columns) {
  return [`**${title}**`, '', row(['', ...columns]), row(['---', ...columns.map(() => '---:')])];
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}
