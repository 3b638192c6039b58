import { invalidArgument, mismatch, SkipscanError } from '../errors';
import type { LanguageModelConfig } from '../models/config';
import { blockRows, removedTokens } from './counts';
import { checkConfig, Options } from './options';
import type { Policy } from './policy-types';
import { type ResolvedPolicy, resolvePolicy } from './resolve';
import { selectionFlops } from './selection-flops';

/** Floating-point operations, a multiply-add counted as two. */
export type Flops = {
  /** `blocks + head + reduction`. */
  total: number;
  blocks: number;
  /** The output head, for the rows whose logits are computed. */
  head: number;
  /** Scoring, comparing and merging tokens; 0 where nothing is reduced. */
  reduction: number;
};

export type FlopsOptions = {
  /** Tokens of the prompt. */
  length: number;
  /** Rows that go through the output head. Defaults to 1, as in a prefill. */
  headRows?: number;
  /** Removes tokens on the way. Defaults to none. */
  reduction?: Policy;
  /**
   * How many tokens each reduction left. For `ltmp`, and needed there: its counts depend on the prompt's content, and a
   * forward pass reports them.
   */
  counts?: readonly number[];
};

/** FLOPs of one block for one token, by the model of docs/reduction.md, section 7. */
export function blockFlopsPerToken(config: LanguageModelConfig): number {
  const { dModel: D, dInner: E, dState: N, convWidth: k, dtRank: R, groups: G, heads: H } = config;
  if (config.family === 'mamba') {
    return 2 * D * 2 * E + 2 * E * k + 2 * E * (R + 2 * N) + 2 * R * E + 9 * E * N + 2 * E * D;
  }
  return 2 * D * (2 * E + 2 * G * N + H) + 2 * (E + 2 * G * N) * k + (6 * E * N + 2 * E) + 2 * E * D;
}

/**
 * FLOPs of a forward pass over one sequence. Each block counts with the tokens that reach it; the embedding is free. What a
 * reduction itself costs is told at `selectionFlops`.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when the policy does not fit the model or the length, or is `ltmp` without `counts`.
 */
export function flops(config: LanguageModelConfig, o: FlopsOptions): Flops {
  checkConfig(config);
  const options = new Options('flops()', o, ['length', 'headRows', 'reduction', 'counts']);
  const length = options.whole('length', 1);
  const headRows = options.whole('headRows', 0, 1);
  const head = headRows * 2 * config.dModel * config.vocabRows;
  const { rows, reduction } =
    o.reduction !== undefined
      ? reducedWork(config, resolvePolicy(o.reduction, config, length), o)
      : { rows: length * config.layers, reduction: 0 };
  const blocks = rows * blockFlopsPerToken(config);
  return { total: blocks + head + reduction, blocks, head, reduction };
}

/** Rows that the blocks process, and the FLOPs of the reductions between them. */
function reducedWork(
  config: LanguageModelConfig,
  resolved: ResolvedPolicy,
  { length, counts }: FlopsOptions,
) {
  const { policy, protectedCount } = resolved;
  if (resolved.counts && counts !== undefined) {
    throw mismatch(
      'counts',
      `no counts with the policy ${policy.name}, whose keep ratio decides them,`,
      'some',
    );
  }
  const after = resolved.counts ?? reportedCounts(counts, policy, length);
  let reduction = 0;
  after.forEach((_, i) => {
    const rows = i === 0 ? length : after[i - 1];
    const removed =
      resolved.keep === undefined
        ? rows - after[i]
        : removedTokens(resolved.policy, resolved.keep, rows, protectedCount);
    reduction += selectionFlops(config, policy, { rows, candidates: rows - protectedCount, removed });
  });
  return { rows: blockRows(config.layers, policy.layers, length, after), reduction };
}

/** The counts of a policy that cannot foretell them. */
function reportedCounts(
  counts: readonly number[] | undefined,
  policy: Policy,
  length: number,
): readonly number[] {
  if (counts === undefined) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `How many tokens ${policy.name} keeps depends on the prompt's content. Give counts, the tokens that each reduction ` +
        `left, or read stats.flops of a forward pass.`,
    );
  }
  if (!Array.isArray(counts) || counts.length !== policy.layers.length) {
    throw invalidArgument('counts', `${policy.layers.length} numbers, one for each reduction,`, counts);
  }
  const at = counts.findIndex(
    (n, i) => !Number.isSafeInteger(n) || n < 1 || n > (i === 0 ? length : counts[i - 1]),
  );
  if (at >= 0) {
    const most = at === 0 ? length : counts[at - 1];
    throw invalidArgument(`counts[${at}]`, `a whole number from 1 to ${most}`, counts[at]);
  }
  return counts;
}
