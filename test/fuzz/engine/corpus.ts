import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Draw } from '../../helpers/random';

/** Inputs that reached something that none before them had. */
export class Corpus {
  readonly inputs: Buffer[] = [];

  add(input: Buffer): void {
    this.inputs.push(input);
  }

  /** One of them: often one of the newest, the way to what nobody has seen yet, and rather a small one, which runs faster. */
  pick(draw: Draw): Buffer {
    const { length } = this.inputs;
    const newest = draw.next() < 0.3 ? Math.max(1, length >> 3) : length;
    const [a, b] = [this.inputs[length - draw.int(1, newest)], this.inputs[length - draw.int(1, newest)]];
    return a.length < b.length ? a : b;
  }
}

/** The inputs in a folder, in the order of their names; none where there is no folder. */
export function readCorpus(folder: string): { name: string; input: Buffer }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, input: readFileSync(path.join(folder, name)) }));
}

/** Makes a folder hold just these inputs, each named after its contents. */
export function writeCorpus(folder: string, inputs: readonly Buffer[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const input of inputs) writeFileSync(path.join(folder, nameOf(input)), input);
}

export function nameOf(input: Buffer): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16);
}

/**
 * Few and small inputs that together reach most of what all of them reach: of each place the smallest input that reaches it, those
 * first that are it for most places.
 *
 * @param features what each input reaches
 * @param most how many inputs there may be, and how many bytes in all
 */
export function smallestCover(
  inputs: readonly { input: Buffer; features: readonly number[] }[],
  most: { inputs: number; bytes: number },
): Buffer[] {
  const smallest = new Map<number, Buffer>();
  for (const { input, features } of [...inputs].sort((a, b) => a.input.length - b.input.length)) {
    for (const feature of features) if (!smallest.has(feature)) smallest.set(feature, input);
  }
  const places = new Map<Buffer, number>();
  for (const input of smallest.values()) places.set(input, (places.get(input) ?? 0) + 1);
  const cover: Buffer[] = [];
  let bytes = 0;
  for (const [input] of [...places].sort(([, a], [, b]) => b - a)) {
    if (cover.length === most.inputs) break;
    if (bytes + input.length > most.bytes) continue;
    bytes += input.length;
    cover.push(input);
  }
  return cover;
}
