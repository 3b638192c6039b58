import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import skipscan from '../../dist/index.js';
import { huggingFaceModel } from '../bench/models.mjs';

// The models of a soak: the shipped ones, and two of a middle size with random weights whose passes take long enough to be met.

const shipped = fileURLToPath(new URL('../../models', import.meta.url));
const drawn = path.join(os.tmpdir(), 'skipscan-soak-models');

const common = { dModel: 256, layers: 8, vocabulary: 4096, dInner: 512, convWidth: 4 };
const middle = {
  'soak-mamba': { ...common, family: 'mamba', dState: 16, dtRank: 16 },
  'soak-mamba2': { ...common, family: 'mamba2', dState: 64, headDim: 64, heads: 8, groups: 1 },
};

/** `{ name, kind, source, maxQueue }` of each. Short queues, so that calls are refused now and then. */
export async function soakModels() {
  const language = ['tiny-mamba', 'tiny-mamba2', 'tiny-recall'].map((name) => path.join(shipped, name));
  const random = [];
  for (const [name, shape] of Object.entries(middle)) random.push(await huggingFaceModel(drawn, name, shape));
  const vision = ['tiny-vim', 'tiny-plainmamba'].map((name) => path.join(shipped, name));
  const entry = (kind) => (source) => ({ name: path.basename(source), kind, source, maxQueue: 2 });
  return [...[...language, ...random].map(entry('language')), ...vision.map(entry('vision'))];
}

/** Loads one; two threads, so that they are at work too. */
export function loadSoakModel({ kind, source, maxQueue }) {
  const load = kind === 'language' ? skipscan.loadLanguageModel : skipscan.loadVisionModel;
  return load(source, { device: 'cpu', threads: 2, maxQueue });
}

/** Image files that the models know. */
export function sampleImages() {
  const folder = path.join(shipped, 'tiny-vim', 'samples');
  if (!existsSync(folder)) throw new Error(`${folder} is not there; run this in a clone of the repository.`);
  return readdirSync(folder).map((name) => path.join(folder, name));
}
