import { checkSteps } from './agreement.mjs';

/** Tokens before a decode. */
export const decodePrompt = 16;

/** The ids of a prompt: any will do, as long as all engines read the same. */
export function prompt(shape, length, start = 0) {
  return Array.from({ length }, (_, i) => (7 * i * i + 13 * i + 31 * start + 5) % shape.vocabulary);
}

/** Prompts of a batch, all different. */
export function batchPrompts(shape, count) {
  return Array.from({ length: count }, (_, i) => prompt(shape, decodePrompt, i));
}

/** What is measured: `kind` is the competitors' method, `amount` the tokens that it works through. */
export function languageTasks(shape, { lengths, decode, batch }) {
  const list = lengths.map((length) => ({
    name: `prefill ${length}`,
    kind: 'prefill',
    amount: length,
    argument: { prompt: prompt(shape, length) },
  }));
  if (decode > 0) {
    const argument = { prompt: prompt(shape, decodePrompt), count: decode };
    list.push({ name: `decode ${decode}`, kind: 'decode', amount: decode, argument });
  }
  if (batch > 0 && decode > 0) {
    const argument = { prompts: batchPrompts(shape, batch), count: decode };
    list.push({ name: `decode ${batch} x ${decode}`, kind: 'decodeBatch', amount: batch * decode, argument });
  }
  return list;
}

/** Tokens of the longest sequence that a task or the check reads. */
export function longestSequence({ lengths, decode }) {
  return Math.max(...lengths, decodePrompt + decode) + checkSteps;
}
