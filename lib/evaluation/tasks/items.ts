import { SkipscanError } from '../../errors';
import type { ScoreItem } from '../../models/score-batch';
import { tokenizePair } from '../../models/tokenize-pair';
import type { Tokenizer } from '../../text';
import type { Question } from './question';

/** A question as a model is asked it: its contexts, each with what may follow, and where each request's answer will be. */
export type QuestionItems = {
  items: ScoreItem[];
  /** Of each request: the item, and the continuation in it. */
  places: [item: number, continuation: number][];
};

/**
 * Tokens of one pass at most. More are cut off from the left, as lm-evaluation-harness does where a model's configuration names no
 * length of its own, which those of Mamba do not.
 */
export const window = 2048;

/** @throws SkipscanError `ERR_ARGUMENT` for a request without a context or a continuation in tokens, or with too long a one */
export function questionItems(tokenizer: Tokenizer, { requests }: Question): QuestionItems {
  const items: { context: Int32Array; continuations: Int32Array[] }[] = [];
  const places = requests.map(({ context, continuation }): [number, number] => {
    const pair = tokenizePair(tokenizer, context, continuation);
    const longest = window + 1 - pair.continuation.length; // the last token is scored, not read
    const lacking = pair.context.length === 0 ? 'context' : 'continuation';
    if (pair.context.length === 0 || pair.continuation.length === 0) {
      throw problem(`the ${lacking} of ${shown(context)} + ${shown(continuation)} has no tokens of its own.`);
    }
    if (longest < 1) {
      throw problem(
        `the continuation ${shown(continuation)} has ${pair.continuation.length} tokens; at most ${window} can be scored.`,
      );
    }
    const read = pair.context.subarray(-longest);
    let at = items.findIndex((item) => areEqual(item.context, read));
    if (at < 0) at = items.push({ context: read, continuations: [] }) - 1;
    return [at, items[at].continuations.push(pair.continuation) - 1];
  });
  return { items, places };
}

function areEqual(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}

function problem(message: string): SkipscanError {
  return new SkipscanError('ERR_ARGUMENT', message);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `...${text.slice(-57)}` : text);
}
