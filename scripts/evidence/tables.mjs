#!/usr/bin/env node
/**
 * Writes the tables of docs/evidence.md anew from the results of study.mjs: between `<!-- table NAME -->` and `<!-- end -->`. See
 * README.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runScript } from '../bench/run-script.mjs';
import { Results } from './results.mjs';
import { tables } from './table-list.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const usage = `Usage: node scripts/evidence/tables.mjs [options]

  --results DIR   what study.mjs has left        (default build/evidence/results)
  --page FILE     with the places of the tables  (default docs/evidence.md)
`;

function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      results: { ...text, default: path.join(root, 'build/evidence/results') },
      page: { ...text, default: path.join(root, 'docs/evidence.md') },
    },
  });
  return values;
}

function main({ results, page }) {
  const found = new Results(results);
  const text = readFileSync(page, 'utf8');
  const places = /<!-- table ([\w-]+) -->\n[\s\S]*?<!-- end -->/g;
  writeFileSync(
    page,
    text.replace(places, (_, name) => {
      if (!tables[name]) throw new Error(`${page} has a place for a table ${name}; found none of that name.`);
      return `<!-- table ${name} -->\n${markdown(tables[name](found))}\n<!-- end -->`;
    }),
  );
}

/** @param table columns and rows of cells; what is undefined was not measured */
function markdown({ columns, rows }) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...columns]),
    line(['---', ...columns.map(() => '---:')]),
    ...rows.map(({ name, cells }) => line([name, ...cells.map((cell) => cell ?? '')])),
  ].join('\n');
}

await runScript({ usage, parseOptions, main });
