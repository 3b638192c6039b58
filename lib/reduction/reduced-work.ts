import { invalidArgument, mismatch, SkipscanError } from '../errors';
import type { ModelConfig } from '../models/model-config';
import { layerRows, removedTokens } from './counts';
import type { Policy } from './policy-types';
import { resolvePolicy } from './resolve';
import { selectionFlops } from './selection-flops';

/**
 * Rows that each block processes, and the FLOPs of the reductions between them.
 *
 * @param counts how many tokens each reduction left, for a policy that cannot foretell it
 */
export function reducedWork(
  config: ModelConfig,
  reduction: Policy,
  length: number,
  counts?: readonly number[],
): { rows: number[]; reduction: number } {
  const resolved = resolvePolicy(reduction, config, length);
  const { policy, protectedCount } = resolved;
  if (resolved.counts && counts !== undefined) {
    throw mismatch(
      'counts',
      `no counts with the policy ${policy.name}, whose keep ratio decides them,`,
      'some',
    );
  }
  const after = resolved.counts ?? reportedCounts(counts, policy, length);
  let work = 0;
  after.forEach((_, i) => {
    const rows = i === 0 ? length : after[i - 1];
    const removed =
      resolved.keep === undefined
        ? rows - after[i]
        : removedTokens(resolved.policy, resolved.keep, rows, protectedCount);
    work += selectionFlops(config, policy, { rows, candidates: rows - protectedCount, removed });
  });
  return { rows: layerRows(config.layers, policy.layers, length, after), reduction: work };
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
