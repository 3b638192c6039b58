// Prompts back to back, as a pass takes them.
import type { Tokens } from './arguments';

/** Whether several prompts were given. */
export function isBatch(tokens: Tokens | readonly Tokens[]): tokens is readonly Tokens[] {
  return Array.isArray(tokens) && typeof tokens[0] === 'object';
}

export function concatenate(prompts: readonly Int32Array[]): Int32Array {
  if (prompts.length === 1) return prompts[0];
  const all = new Int32Array(prompts.reduce((n, prompt) => n + prompt.length, 0));
  let at = 0;
  for (const prompt of prompts) {
    all.set(prompt, at);
    at += prompt.length;
  }
  return all;
}

/** Where each sequence starts, and the end of the last. */
export function startOffsets(prompts: readonly Int32Array[]): Int32Array {
  const offsets = new Int32Array(prompts.length + 1);
  prompts.forEach((prompt, s) => {
    offsets[s + 1] = offsets[s] + prompt.length;
  });
  return offsets;
}

/** Positions 0, 1, ... of every prompt. */
export function positionsOf(prompts: readonly Int32Array[]): Int32Array {
  return concatenate(prompts.map(({ length }) => Int32Array.from({ length }, (_, position) => position)));
}

/**
 * Cuts a list into runs that go into one pass each: of at most so many tokens and so many sequences, but never of none.
 *
 * @param tokens of one sequence
 */
export function packsOf<T>(
  list: readonly T[],
  tokens: (item: T) => number,
  most: { tokens: number; sequences: number },
): T[][] {
  const packs: T[][] = [];
  let room = 0;
  for (const item of list) {
    const count = tokens(item);
    const last = packs.at(-1);
    if (last && count <= room && last.length < Math.floor(most.sequences)) {
      last.push(item);
      room -= count;
    } else {
      packs.push([item]);
      room = most.tokens - count;
    }
  }
  return packs;
}
