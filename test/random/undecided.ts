// Which selections float32 cannot decide: two similarities that differ by less than it resolves, but do differ, may come out in
// either order, and both results are right. Exact ties are decided, by the rows' order.
import type { NativeSelectTokens } from '../../lib/native-reduction-types';

/** What similarities of float32 products of a hundred channels may be off by, with room. */
const resolution = 1e-6;

/** Whether two similarities of rows of one sequence, or one and a threshold, are too near to tell apart. */
export function isUndecided(p: NativeSelectTokens): boolean {
  if (p.policy !== 'utrc' && p.policy !== 'merge' && p.policy !== 'ltmp') return false;
  for (let s = 0; s + 1 < p.offsets.length; s++) {
    const cosines = cosinesOf(p, p.offsets[s], p.offsets[s + 1]);
    if (p.policy === 'ltmp') cosines.push(p.mergeAbove ?? 1);
    cosines.sort((a, b) => a - b);
    if (cosines.some((c, i) => i > 0 && c !== cosines[i - 1] && c - cosines[i - 1] < resolution)) return true;
  }
  return false;
}

function cosinesOf(p: NativeSelectTokens, begin: number, end: number): number[] {
  const cosines: number[] = [];
  for (let a = begin; a < end; a++) {
    for (let b = begin; b < a; b++) {
      const squares = dot(p, a, a) * dot(p, b, b);
      cosines.push(squares === 0 ? 0 : dot(p, a, b) / Math.sqrt(squares));
    }
  }
  return cosines;
}

function dot({ features, addedFeatures, dim = 0 }: NativeSelectTokens, a: number, b: number): number {
  const values = features as Float32Array;
  const added = addedFeatures as Float32Array | undefined;
  let total = 0;
  for (let c = 0; c < dim; c++) {
    const x = values[a * dim + c] + (added ? added[a * dim + c] : 0);
    const y = values[b * dim + c] + (added ? added[b * dim + c] : 0);
    total += x * y;
  }
  return total;
}
