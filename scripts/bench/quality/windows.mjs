import { readFileSync } from 'node:fs';

/** Bytes, which are the model's tokens. */
export const promptLength = 384;
export const continuationLength = 64;

/** The first half of the windows is from novels, the second from addresses; data/README.md says which. */
const sources = ['novels', 'addresses'];
const length = promptLength + continuationLength;
const text = readFileSync(new URL('../data/held-out.txt', import.meta.url));

export const windowCount = text.length / length;

/** `count` windows, evenly spaced among all there are: `{ source, prompt, continuation }`, token ids as Int32Array. */
export function readWindows(count = windowCount) {
  return Array.from({ length: count }, (_, i) => {
    const at = Math.floor((i * windowCount) / count);
    const ids = Int32Array.from(text.subarray(at * length, (at + 1) * length));
    return {
      source: sources[Math.floor((at * sources.length) / windowCount)],
      prompt: ids.subarray(0, promptLength),
      continuation: ids.subarray(promptLength),
    };
  });
}
