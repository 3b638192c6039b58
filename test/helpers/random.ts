import { Random } from '../../lib/text/random';

/** Random test data; the same seed draws the same data. */
export class Draw extends Random {
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)];
  }

  floats(count: number, low: number, high: number): Float32Array {
    return Float32Array.from({ length: count }, () => low + (high - low) * this.next());
  }

  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.int(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** About `share` of `values`, in their order. */
  some<T>(values: Iterable<T>, share: number): T[] {
    return Array.from(values).filter(() => this.next() < share);
  }
}
