import { SkipscanError } from '../errors';
import type { NativeFloats } from '../native-types';
import type { ScanPath } from '../scan-path';
import type { Tensor } from '../tensor';
import type { Arguments } from './arguments';

/**
 * How the positions that a path skips let time pass over the state: what takes the place of dt in `exp(dt * A)`. Skipped
 * tokens add no input. `dt` and `gap` are those of the step.
 *
 * - `'none'`: dt. Neighbours on the path count as adjacent.
 * - `'next'`: gap * dt. Skipped positions take the time step of the step that follows them.
 * - `'previous'`: dt + (gap - 1) * dt of the step before; a first step is as `'next'`.
 * - `'own'`: dt + what `skippedDt` says: exact, where the skipped tokens' own dt is known.
 *
 * From "Exploring Token Pruning in Vision State Space Models" (arXiv 2409.18962), whose time-invariant form reads as
 * `'next'` or `'previous'` for a selective scan.
 */
export type Alignment = 'none' | 'next' | 'previous' | 'own';

const alignments: readonly Alignment[] = ['none', 'next', 'previous', 'own'];

/** The arguments `alignment` and `skippedDt`, which belong together. */
export function readAlignment(
  args: Arguments<{ alignment?: Alignment; skippedDt?: Tensor }>,
  path: ScanPath,
  width: string,
): { alignment: Alignment; skippedDt?: NativeFloats } {
  const alignment = args.choice('alignment', alignments, 'next');
  if ((alignment === 'own') !== args.has('skippedDt')) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `Expected skippedDt together with alignment 'own' and only then, but received alignment '${alignment}' ` +
        `${args.has('skippedDt') ? 'with' : 'without'} it.`,
    );
  }
  return { alignment, skippedDt: args.optionalFloats('skippedDt', [path.steps, width]) };
}
