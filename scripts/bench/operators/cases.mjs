import { publishedConfig } from '../../../dist/models/vision-names.js';
import { blockParameters, shapes } from '../shapes.mjs';

/** Rows that a product meets: a token, a batch of them, a tile, a prompt; an image, and eight. */
const languageRows = [1, 4, 16, 64, 256, 512, 2048];
const headRows = [1, 16];
const imageRows = [197, 8 * 197];
const largeRows = [1, 16, 512];

/** A model's matrices, `[outputs, inputs]` each, under the names of its projections. */
export const modelMatrices = {
  'mamba-130m': languageMatrices('mamba-130m'),
  'mamba2-130m': languageMatrices('mamba2-130m'),
  'vim-small': visionMatrices('vim-small'),
  'mamba-2.8b': languageMatrices('mamba-2.8b'),
};

function languageMatrices(name) {
  const shape = shapes[name];
  const { matrices } = blockParameters(shape);
  const names = shape.family === 'mamba' ? ['in', 'x', 'dt', 'out'] : ['in', 'out'];
  return Object.fromEntries(matrices.map((size, i) => [names[i], size]));
}

function visionMatrices(name) {
  const { dModel, dInner, dState, dtRank } = publishedConfig(name);
  return {
    in: [2 * dInner, dModel],
    x: [dtRank + 2 * dState, dInner],
    dt: [dInner, dtRank],
    out: [dModel, dInner],
  };
}

/**
 * Every product that is measured, once: `{ name, outputs, inputs, rows }`, `rows` a list. What two models share bears the
 * first one's name.
 */
export function productCases() {
  const cases = [];
  const add = (name, [outputs, inputs], rows) => {
    if (!cases.some((other) => other.outputs === outputs && other.inputs === inputs)) {
      cases.push({ name, outputs, inputs, rows });
    }
  };
  const addModel = (model, rows, names = Object.keys(modelMatrices[model])) => {
    for (const name of names) add(`${model} ${name}`, modelMatrices[model][name], rows);
  };
  addModel('mamba-130m', languageRows);
  add('mamba-130m head', [shapes['mamba-130m'].vocabulary, shapes['mamba-130m'].dModel], headRows);
  addModel('mamba2-130m', languageRows);
  addModel('vim-small', imageRows);
  addModel('mamba-2.8b', largeRows, ['in', 'out']);
  return cases;
}

/** The scans, their variants (operators/scans.h) and steps. */
export const scanCases = [
  { op: 'selective', variants: ['plain', 'bare', 'aligned', 'gathered', 'importance'], steps: [512, 2048] },
  { op: 'ssd', variants: ['plain', 'aligned', 'gathered', 'importance'], steps: [512, 2048] },
];
