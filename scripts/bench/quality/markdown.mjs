import { differences, summarize } from './statistics.mjs';

/**
 * One table of tables.mjs or vision-tables.mjs.
 *
 * @param valuesOf gives what a policy makes of each sample; without one, what the dense model does
 * @param digits after the decimal point
 */
export async function markdownTable({ title, columns, rows }, valuesOf, digits = 4) {
  const lines = [...head(title, columns)];
  for (const { name, cells } of rows) {
    const texts = [];
    for (const cell of cells) texts.push(await cellText(cell, valuesOf, digits));
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
export function plusMinus({ mean, standardError }, digits = 4) {
  const rounded = mean.toFixed(digits).replace(/^-(0\.0*)$/, '$1'); // no minus before zeros
  return `${rounded} ± ${standardError.toFixed(digits)}`;
}

async function cellText(cell, valuesOf, digits) {
  if (cell === undefined) return '';
  if ('of' in cell) return plusMinus(summarize(await valuesOf(cell.of)), digits);
  const [policy, against] = Array.isArray(cell) ? cell : [cell, undefined];
  return plusMinus(summarize(differences(await valuesOf(policy), await valuesOf(against))), digits);
}

function head(title, columns) {
  return [`**${title}**`, '', row(['', ...columns]), row(['---', ...columns.map(() => '---:')])];
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}
