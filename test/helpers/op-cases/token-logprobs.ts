import type { OpCases } from './harness';

export type TokenLogprobsCase = {
  rows: number;
  vocabulary: number;
  /** Elements between the rows of the logits. */
  padding: number;
  /** Factor of the logits. */
  scale: number;
  /** Logits take only so many different values, so that several are the largest; 0: any. */
  levels: number;
  /** The share of the logits that are -Infinity. */
  masked: number;
  /** What is asked for. */
  wanted: 'both' | 'logprobs' | 'best';
  seed?: number;
  threads?: number;
};

export const tokenLogprobsCases: OpCases<'token_logprobs', TokenLogprobsCase> = {
  op: 'token_logprobs',
  base: { rows: 5, vocabulary: 300, padding: 0, scale: 8, levels: 0, masked: 0, wanted: 'both' },
  table: [
    ['the base', {}],
    ['one row', { rows: 1 }],
    ['more rows than a task', { rows: 500, vocabulary: 90 }],
    ['a vocabulary of published models', { rows: 2, vocabulary: 50280 }],
    ['a vocabulary off every vector width', { rows: 3, vocabulary: 4099 }],
    ['less than a vector', { vocabulary: 3 }],
    ['a vocabulary of one', { vocabulary: 1 }],
    ['exactly one piece of a row', { vocabulary: 1024 }],
    ['one more than a piece', { vocabulary: 1025 }],
    ['rows inside wider ones', { padding: 13 }],
    ['rows inside wider ones that stay aligned', { padding: 12 }],
    ['several largest, of which the first counts', { levels: 3, vocabulary: 5000 }],
    ['all alike', { levels: 1, vocabulary: 2100 }],
    ['tokens that cannot be', { masked: 0.5, vocabulary: 1500 }],
    ['hardly any token that can be', { masked: 0.99, rows: 40 }],
    ['hardly any difference', { scale: 1e-3 }],
    ['large logits, of which one has all the probability', { scale: 1e4 }],
    ['only the likeliest', { wanted: 'best' }],
    ['only the log-probabilities', { wanted: 'logprobs' }],
    ['one thread', { threads: 1 }],
    ['more threads than rows', { threads: 9, rows: 2 }],
  ],
  build({ rows, vocabulary, padding, scale, levels, masked, wanted }, memory, draw) {
    const row = { width: vocabulary, stride: vocabulary + padding };
    const drawn = draw.floats(rows * vocabulary, -scale, scale);
    const logits = levels > 0 ? drawn.map(() => scale * draw.int(1, levels)) : drawn;
    const tokens = Array.from({ length: rows }, () => draw.int(0, vocabulary - 1));
    for (let i = 0; i < logits.length; i++) {
      if (i % vocabulary !== tokens[Math.floor(i / vocabulary)] && draw.next() < masked)
        logits[i] = -Infinity;
    }
    const scored = wanted !== 'best';
    return {
      rows,
      vocabulary,
      logits: memory.input(logits, row),
      logitsStride: row.stride,
      tokens: scored ? memory.ints(tokens) : undefined,
      logprobs: scored ? memory.output('logprobs', rows, { width: 1 }) : undefined,
      best: wanted === 'logprobs' ? undefined : memory.intOutput('best', rows),
    };
  },
  tolerance: 1e-6, // float32 rounding
};
