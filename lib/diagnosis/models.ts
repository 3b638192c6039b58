// Whether what ships with the package computes, on every device, and whether pictures can be read.
import path from 'node:path';
import type { Device } from '../device';
import { loadLanguageModel } from '../models/load';
import { decodeImage } from '../vision/decode';
import { attempt, type Check, skipped, warning } from './check';

const models = path.resolve(__dirname, '..', '..', 'models');

/** @param devices those that can be used */
export async function checkModels(devices: Device[], folder = models): Promise<Check[]> {
  if (devices.length === 0) return [skipped('model', 'there is no device to compute on')];
  const checks: Check[] = [];
  for (const device of devices) {
    checks.push(await attempt(`model on ${device}`, () => compute(path.join(folder, 'tiny-mamba2'), device)));
  }
  return checks.map((check) =>
    check.status === 'ok' ? check : { ...check, ...(check.name === 'model on cpu' ? onCpu : onGpu) },
  );
}

const onCpu = {
  expected: 'the small model that ships with the package to compute',
  advice: 'If its files are missing or damaged, install the package anew; else report this as a bug.',
};
const onGpu = {
  expected: 'the same model to compute as on the CPU',
  advice:
    'Kernels for a newer GPU are compiled by the driver on first use, which an old driver or a full or read-only cache ' +
    "(CUDA_CACHE_PATH) prevents: update the driver, or build the package on this machine. Until then use device 'cpu'.",
};

async function compute(source: string, device: Device): Promise<string> {
  await using model = await loadLanguageModel(source, { device });
  const { logits } = await model.forward([72, 105], { logits: 'last' });
  if (!logits.every(Number.isFinite)) throw new Error('it computes logits that are not numbers');
  return `loads and computes (${model.parameterCount} parameters, ${model.backend} kernels)`;
}

/** Language models do without. */
export async function checkImages(folder = models): Promise<Check> {
  const check = await attempt(
    'images',
    async () => {
      const { width, height } = await decodeImage(path.join(folder, 'tiny-vim', 'samples', 'heart.jpg'));
      return `decodes a JPEG of ${width} x ${height}`;
    },
    warning,
  );
  return check.status === 'ok'
    ? check
    : { ...check, expected: 'image files to be read, which vision models need' };
}
