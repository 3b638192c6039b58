import { randomInt } from 'node:crypto';
import { invalidArgument } from '../errors';
import { argmax, logSoftmaxAt } from './logprobs';
import { Random } from './random';

/**
 * How the next token is chosen. Without any option: the most likely token, every time. Sampling begins with a
 * `temperature` above 0; then nothing is filtered unless `topK` or `topP` asks for it. While `temperature` is 0 the
 * other options have no effect.
 */
export interface SamplingOptions {
  /** Divides the logits: above 1 flatter, below 1 sharper, 0 always the most likely token. Defaults to 0. */
  temperature?: number;
  /** Keep only this many of the most likely tokens. Defaults to all. */
  topK?: number;
  /** Of those, keep the fewest whose probabilities add up to this, at least one. Defaults to 1: all. */
  topP?: number;
  /** An integer from 0 to 2^53 - 1: the same seed gives the same choices. Defaults to a random one. */
  seed?: number;
}

/**
 * Chooses tokens from logits. The filters follow one another as in Hugging Face's generate: temperature, top-k, top-p
 * (over the probabilities that top-k left). Equally likely tokens are ranked by id, the smaller one first.
 */
export class Sampler {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  /** The seed in use, also when it was not given: with it the choices can be repeated. */
  readonly seed: number;
  readonly #random: Random;
  #buffers = { allIds: new Int32Array(0), weights: new Float64Array(0) };

  /** Throws ERR_ARGUMENT when an option is out of its range. */
  constructor(options: SamplingOptions = {}) {
    const { temperature = 0, topK = Infinity, topP = 1, seed = randomInt(2 ** 47) } = options;
    if (!Number.isFinite(temperature) || temperature < 0) {
      throw invalidArgument('temperature', 'a finite number >= 0', temperature);
    }
    if (topK !== Infinity && !(Number.isInteger(topK) && topK >= 1)) {
      throw invalidArgument('topK', 'an integer >= 1', topK);
    }
    if (typeof topP !== 'number' || !(topP > 0 && topP <= 1)) {
      throw invalidArgument('topP', 'a number above 0 and up to 1', topP);
    }
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw invalidArgument('seed', 'an integer from 0 to 2^53 - 1', seed);
    }
    this.temperature = temperature;
    this.topK = topK;
    this.topP = topP;
    this.seed = seed;
    this.#random = new Random(seed);
  }

  /**
   * Chooses a token from `logits` `[V]`. `logprob` is its natural log-probability under the model's own distribution:
   * softmax over all logits, before temperature and filters. Throws ERR_NATIVE on NaN and +Infinity.
   */
  next(logits: Float32Array): { token: number; logprob: number } {
    const best = argmax(logits);
    const token = this.temperature === 0 ? best : this.#draw(logits, logits[best]);
    return { token, logprob: logSoftmaxAt(logits, token) };
  }

  #draw(logits: Float32Array, largest: number): number {
    const { allIds, weights } = this.#buffersFor(logits.length);
    let ids = this.topK < logits.length ? largestLogits(logits, this.topK) : allIds;
    for (const id of ids) weights[id] = Math.exp((logits[id] - largest) / this.temperature);
    if (this.topP < 1) ids = nucleus(ids, weights, this.topP);

    const target = this.#random.next() * sumAt(ids, weights);
    let mass = 0;
    // Always found: adding in the same order ends at the same sum, and the target lies below it.
    return ids.find((id) => {
      mass += weights[id];
      return mass > target;
    })!;
  }

  #buffersFor(size: number): { allIds: Int32Array; weights: Float64Array } {
    if (this.#buffers.weights.length !== size) {
      this.#buffers = {
        allIds: Int32Array.from({ length: size }, (_, id) => id),
        weights: new Float64Array(size),
      };
    }
    return this.#buffers;
  }
}

/** The ids of the `k` largest logits, rising: one pass over a heap whose root is the weakest id kept so far. */
function largestLogits(logits: Float32Array, k: number): Int32Array {
  const heap = Int32Array.from({ length: k }, (_, id) => id);
  // Of equal logits the larger id is the weaker.
  const weaker = (a: number, b: number) => logits[a] < logits[b] || (logits[a] === logits[b] && a > b);
  const sink = (start: number) => {
    const id = heap[start];
    let at = start;
    for (let child = 2 * at + 1; child < k; child = 2 * at + 1) {
      if (child + 1 < k && weaker(heap[child + 1], heap[child])) child++;
      if (!weaker(heap[child], id)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  };
  for (let start = (k >> 1) - 1; start >= 0; start--) sink(start);
  for (let id = k; id < logits.length; id++) {
    if (logits[id] <= logits[heap[0]]) continue;
    heap[0] = id;
    sink(0);
  }
  return heap.sort();
}

/** The fewest of the rising `ids`, heaviest first, whose weights add up to `share` of the weight of all. */
function nucleus(ids: Int32Array, weights: Float64Array, share: number): Int32Array {
  const total = sumAt(ids, weights);
  // Ids as light as this weigh less than 1 - share together and cannot be part, so only the others are sorted. The
  // half keeps it below the mean weight, and so below the heaviest, whatever the rounding.
  const floor = (0.5 * total * (1 - share)) / ids.length;
  const candidates = ids.filter((id) => weights[id] > floor);
  const rising = new Float64Array(candidates.length);
  for (let i = 0; i < candidates.length; i++) rising[i] = weights[candidates[i]];
  rising.sort();
  let lightest = rising.length;
  for (let mass = 0; lightest > 0 && mass < share * total; ) mass += rising[--lightest];

  // Of the ids as light as the lightest one kept, those with the smallest ids stay.
  const limit = rising[lightest];
  let ties = rising.subarray(lightest).lastIndexOf(limit) + 1;
  return candidates.filter((id) => weights[id] > limit || (weights[id] === limit && ties-- > 0));
}

function sumAt(ids: Int32Array, weights: Float64Array): number {
  let sum = 0;
  for (const id of ids) sum += weights[id];
  return sum;
}
