import type { LanguageModelConfig } from '../models/config';
import { Random } from '../text/random';

/** A prompt that says nothing. The same seed draws the same one, and the start of a longer one. */
export function randomTokens({ vocabSize }: LanguageModelConfig, length: number, seed: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length }, () => Math.floor(random.next() * vocabSize));
}
