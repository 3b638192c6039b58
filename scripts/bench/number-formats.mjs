#!/usr/bin/env node
/**
 * What holding weights in bf16 or 8 bits, and rounding what products read, costs: on held-out text, by the small models that ship
 * with the package, beside float32. See README.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadLanguageModel } from '../../dist/index.js';
import { list, wholeNumber } from './arguments.mjs';
import { commandOf } from './machine.mjs';
import { textTable, writeReport } from './report.mjs';
import { runScript } from './run-script.mjs';

const usage = `Usage: node scripts/bench/number-formats.mjs [options]

  --models LIST     folders                       (default the shipped tiny-mamba2 and tiny-mamba)
  --text FILE       what they read                (default scripts/bench/data/held-out.txt)
  --window N        tokens read at once           (default 512)
  --windows N       at most so many               (default 64)
  --json FILE       also write everything as JSON
`;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first is what the others are compared with. */
const formats = [
  { dtype: 'f32' },
  { dtype: 'bf16' },
  { dtype: 'bf16', activations: 'bf16' },
  { dtype: 'f16' },
  { dtype: 'i8' },
];

async function main(options) {
  const text = readFileSync(options.text, 'utf8');
  const report = { command: commandOf('number-formats.mjs'), date: new Date().toISOString(), models: [] };
  for (const source of options.models) {
    const results = [];
    let exact;
    for (const format of formats) {
      const model = await loadLanguageModel(source, { ...format, device: 'cpu' });
      const windows = windowsOf(model.tokenizer.encode(text), options);
      const rows = await logProbabilities(model, windows);
      exact ??= rows;
      results.push({ ...format, backend: model.backend, ...compare(rows, exact, windows, model) });
      await model.dispose();
    }
    report.models.push({ source: source.replace(root, ''), results });
    console.log(describe(source.replace(root, ''), results));
  }
  if (options.json) writeReport(options.json, report);
}

function windowsOf(tokens, { window, windows }) {
  const count = Math.min(windows, Math.floor(tokens.length / window));
  if (count === 0) throw new Error(`the text has ${tokens.length} tokens, less than a window of ${window}`);
  return Array.from({ length: count }, (_, i) => Int32Array.from(tokens.slice(i * window, (i + 1) * window)));
}

/** For every token but the last of each window, the log-probabilities of what may follow: one array per window. */
async function logProbabilities(model, windows) {
  const all = [];
  for (const tokens of windows) {
    const { logits, vocabSize } = await model.forward(tokens);
    const rows = logits.subarray(0, (tokens.length - 1) * vocabSize);
    for (let at = 0; at < rows.length; at += vocabSize) normalize(rows.subarray(at, at + vocabSize));
    all.push(rows);
  }
  return all;
}

function normalize(row) {
  const most = row.reduce((a, b) => Math.max(a, b));
  const sum = row.reduce((total, value) => total + Math.exp(value - most), 0);
  for (let i = 0; i < row.length; i++) row[i] -= most + Math.log(sum);
}

/** Bits a byte of the text, divergence from the exact model, and how often the same token is most likely. */
function compare(rows, exact, windows, { tokenizer, config }) {
  const size = config.vocabRows;
  const totals = { bits: 0, bytes: 0, divergence: 0, same: 0, count: 0 };
  for (const [w, tokens] of windows.entries()) {
    totals.bytes += Buffer.byteLength(tokenizer.decode([...tokens.subarray(1)]));
    for (let t = 0; t + 1 < tokens.length; t++) {
      const [own, wanted] = [rows, exact].map((all) => all[w].subarray(t * size, (t + 1) * size));
      totals.bits -= own[tokens[t + 1]] / Math.LN2;
      for (let i = 0; i < size; i++) totals.divergence += Math.exp(wanted[i]) * (wanted[i] - own[i]);
      if (own.indexOf(Math.max(...own)) === wanted.indexOf(Math.max(...wanted))) totals.same++;
      totals.count++;
    }
  }
  return {
    bitsPerByte: totals.bits / totals.bytes,
    divergence: totals.divergence / totals.count,
    sameToken: totals.same / totals.count,
    tokens: totals.count,
  };
}

function describe(source, results) {
  const rows = results.map(({ dtype, activations, bitsPerByte, divergence, sameToken }) => [
    activations ? `${dtype}, activations ${activations}` : dtype,
    bitsPerByte.toFixed(5),
    (bitsPerByte - results[0].bitsPerByte).toFixed(5),
    divergence.toExponential(1),
    `${(100 * sameToken).toFixed(2)} %`,
  ]);
  return `\n${source}, ${results[0].tokens} tokens (${results[0].backend})\n${textTable(
    ['', 'bits per byte', 'more than f32', 'divergence', 'same token'],
    rows,
  )}`;
}

function parseOptions(args) {
  const text = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean' },
      models: {
        ...text,
        default: ['tiny-mamba2', 'tiny-mamba'].map((name) => join(root, 'models', name)).join(),
      },
      text: { ...text, default: join(root, 'scripts', 'bench', 'data', 'held-out.txt') },
      window: { ...text, default: '512' },
      windows: { ...text, default: '64' },
      json: text,
    },
  });
  return {
    help: values.help ?? false,
    models: list(values, 'models'),
    text: values.text,
    window: wholeNumber('window', values.window, 2),
    windows: wholeNumber('windows', values.windows, 1),
    json: values.json,
  };
}

await runScript({ usage, parseOptions, main });
