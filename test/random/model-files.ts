// Random models in a folder that lasts as long as one case.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Draw } from '../helpers/random';

export type Files = Record<string, string | Uint8Array>;

/** Calls `use` with a folder that holds the files. */
export async function withFiles<Result>(
  files: Files,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(path.join(tmpdir(), 'skipscan-random-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls `use` while models that are loaded get the kernels of this name. */
export async function onBackend<Result>(name: string, use: () => Promise<Result>): Promise<Result> {
  const before = process.env.SKIPSCAN_CPU;
  process.env.SKIPSCAN_CPU = name;
  try {
    return await use();
  } finally {
    if (before === undefined) delete process.env.SKIPSCAN_CPU;
    else process.env.SKIPSCAN_CPU = before;
  }
}

/** The same model with every weight off by a few roundings, as many as what it computes goes through. */
export function perturbed(files: Files, draw: Draw): Files {
  const bytes = Uint8Array.from(files['model.safetensors'] as Uint8Array);
  const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const weights = new Float32Array(bytes.buffer.slice(8 + header));
  const changed = weights.map((weight) => weight * (1 + 5e-7 * (2 * draw.next() - 1)));
  bytes.set(new Uint8Array(changed.buffer), 8 + header);
  return { ...files, 'model.safetensors': bytes };
}
