import { cancellable } from '../cancel';
import { fromNative, SkipscanError } from '../errors';
import type { Runner } from '../queue';
import { flops } from '../reduction/flops';
import type { Policy } from '../reduction/policy-types';
import { firstPart } from '../turns';
import { checkTokens, type Tokens } from './arguments';
import type { LanguageModelConfig } from './config';
import type { LanguageModel } from './language-model';
import { concatenate, isBatch, positionsOf, startOffsets } from './packed';
import { countsOf, type Kept, nativeReduction } from './reduce';

/** What a forward pass computes. */
export type ForwardOptions = {
  /** Removes tokens on the way; the logits are those of the rows that are left. Defaults to none. */
  reduction?: Policy;
  /** Logits of every row, or of each sequence's last row only. Defaults to `'all'`. */
  logits?: 'all' | 'last';
  /** Also return the residual stream after the embedding, each block and the final norm. Not with a reduction. Defaults to false. */
  hiddenStates?: boolean;
  /** Stops between two tiles of work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** Packed results: sequence s is rows `offsets[s]` to `offsets[s + 1] - 1`. */
export type Forward = {
  /** `[rows, vocabSize]`. */
  logits: Float32Array;
  /** Entries of one row of logits, padding of the vocabulary included. */
  vocabSize: number;
  /** `[sequences + 1]` where each sequence begins. */
  offsets: Int32Array;
  /** Each row's position in its own prompt. */
  positions: Int32Array;
  /** After each reduction. */
  kept: Kept[];
  /** `[dModel]` rows of every token, also where only the last logits were asked for: the embedding, the residual stream after each block, the final norm. */
  hiddenStates?: Float32Array[];
  /** The work of all sequences, and how long it took. */
  stats: {
    /** Floating-point operations, a multiply-add counted as two; `flops()` says what counts. */
    flops: number;
    /** Without the reduction. */
    denseFlops: number;
    /** Scoring, comparing and merging tokens; part of `flops`. */
    reductionFlops: number;
    /** Of the pass itself, without waiting for its turn. */
    milliseconds: number;
  };
};

/** @internal `LanguageModel.forward`, in the line of the model's calls or in a place of it. */
export async function forward(
  model: LanguageModel,
  tokens: Tokens | readonly Tokens[],
  o: ForwardOptions,
  line: Runner,
): Promise<Forward> {
  model.assertOpen();
  const { vocabRows, dModel, layers } = model.config;
  const prompts = isBatch(tokens)
    ? tokens.map((prompt, s) => checkTokens(prompt, `tokens[${s}]`, vocabRows))
    : [checkTokens(tokens, 'tokens', vocabRows)];
  const ids = concatenate(prompts);
  const starts = startOffsets(prompts);
  const lastOnly = o.logits === 'last';
  if (o.logits !== undefined && !lastOnly && o.logits !== 'all') {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `Expected 'all' or 'last' for logits but received ${String(o.logits)}.`,
    );
  }
  if (o.hiddenStates && o.reduction) {
    throw new SkipscanError('ERR_ARGUMENT', 'Expected hiddenStates or a reduction but received both.');
  }
  const lengths = prompts.map((prompt) => prompt.length);
  const reduction = o.reduction && nativeReduction(o.reduction, model.config, lengths);

  const compute = async () => {
    // Only when it is the call's turn: what waits holds its tokens alone.
    const room = new Float32Array((lastOnly ? prompts.length : ids.length) * vocabRows);
    const hidden = o.hiddenStates ? new Float32Array((layers + 2) * ids.length * dModel) : undefined;
    const result = await cancellable(o.signal, (cell) =>
      fromNative(() =>
        model.native.forward(ids, starts, { lastOnly, logits: room, hidden, reduction }, cell),
      ),
    );
    return { room, hidden, ...result };
  };
  const { room, hidden, kept, milliseconds } = await line.run(compute, o);
  const rows: Kept = kept.at(-1) ?? { layer: -1, offsets: starts, positions: positionsOf(prompts) };
  const shown = lastOnly ? lastRows(rows) : rows;
  const slice = ids.length * dModel;
  return {
    // A copy where a reduction left room unused: a view would keep all of it alive.
    logits: await firstPart(room, shown.positions.length * vocabRows),
    vocabSize: vocabRows,
    offsets: shown.offsets,
    positions: shown.positions,
    kept,
    hiddenStates:
      hidden && Array.from({ length: layers + 2 }, (_, i) => hidden.subarray(i * slice, (i + 1) * slice)),
    stats: { ...workOf(model.config, lengths, kept, shown.offsets, o.reduction), milliseconds },
  };
}

function workOf(
  config: LanguageModelConfig,
  lengths: number[],
  kept: Kept[],
  offsets: Int32Array,
  reduction?: Policy,
) {
  const stats = { flops: 0, denseFlops: 0, reductionFlops: 0 };
  for (const [s, length] of lengths.entries()) {
    const headRows = offsets[s + 1] - offsets[s];
    const counts = reduction?.name === 'ltmp' ? countsOf(kept, s) : undefined;
    const work = flops(config, { length, headRows, reduction, counts });
    stats.flops += work.total;
    stats.reductionFlops += work.reduction;
    stats.denseFlops += flops(config, {
      length,
      headRows: reduction && headRows > 1 ? length : headRows,
    }).total;
  }
  return stats;
}

/** Each sequence's last row. */
function lastRows({ layer, offsets, positions }: Kept): Kept {
  const last = Array.from(offsets.subarray(1), (end) => positions[end - 1]);
  return {
    layer,
    offsets: Int32Array.from({ length: last.length + 1 }, (_, s) => s),
    positions: Int32Array.from(last),
  };
}
