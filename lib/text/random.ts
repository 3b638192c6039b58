/**
 * A small generator of random numbers that gives the same sequence for the same seed on every machine: xoshiro128**
 * (Blackman and Vigna, 2018), 32-bit integers only. The seed's two halves are spread over its 128 bits of state by the
 * finalizer of MurmurHash3.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed an integer from 0 to 2^53 - 1. */
  constructor(seed: number) {
    const low = seed >>> 0;
    const high = Math.floor(seed / 2 ** 32);
    // The weyl step before each word keeps the four words apart and the state from being all zero.
    this.#state = Uint32Array.from([1, 2, 3, 4], (i) => mix(mix(low + i * 0x9e3779b9) ^ high));
  }

  /** @internal Starts from a given state, not all zero, of four words. */
  static fromState(words: ArrayLike<number>): Random {
    const random = new Random(0);
    random.#state.set(words);
    return random;
  }

  /** An integer from 0 to 2^32 - 1. */
  nextUint32(): number {
    const s = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotateLeft(s[3], 11);
    return result;
  }

  /** A number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The 32-bit finalizer of MurmurHash3: a bijection in which every input bit moves every output bit. */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
