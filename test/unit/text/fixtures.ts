import { readFileSync } from 'node:fs';
import { Tokenizer } from '../../../lib/text';
import { Random } from '../../../lib/text/random';
import { fixture } from '../../helpers/reference';

/** One text and what the reference library makes of it. */
export interface GoldenText {
  text: string;
  ids: number[];
  /** The ids without what the tokenizer's template adds; only where it has a template. */
  bare?: number[];
  decoded: string;
  decoded_skip_special: string;
}

/** The tokenizers of `test/fixtures/tokenizer`, one of each kind. */
export const kinds = ['byte-level', 'sentencepiece', 'wordpiece', 'unigram'] as const;
export type Kind = (typeof kinds)[number];

export function tokenizerFile(kind: Kind): string {
  return fixture(`tokenizer/${kind}.json`);
}

export const byteLevelConfigFile = fixture('tokenizer/byte-level.config.json');

export function loadTokenizer(kind: Kind): Promise<Tokenizer> {
  return Tokenizer.load(tokenizerFile(kind));
}

export function goldenTexts(kind: Kind): GoldenText[] {
  return readGolden(fixture(`tokenizer/${kind}.golden.json`));
}

export function readGolden(file: string): GoldenText[] {
  return JSON.parse(readFileSync(file, 'utf8')).cases;
}

/** Random integers below a bound, the same ones in every run. */
export function integers(seed: number): (below: number) => number {
  const random = new Random(seed);
  return (below) => Math.floor(random.next() * below);
}
