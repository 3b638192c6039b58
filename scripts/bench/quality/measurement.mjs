import { flops } from 'skipscan';
import { promptLength } from './windows.mjs';

/** What policies do to one model's predictions on the same windows. Every policy is measured once. */
export class Measurement {
  #model;
  #windows;
  #measured = new Map();

  constructor(model, windows) {
    this.#model = model;
    this.#windows = windows;
  }

  get config() {
    return this.#model.config;
  }

  /** The policies measured so far. */
  get policies() {
    return [...this.#measured.values()].flatMap(({ policy }) => policy ?? []);
  }

  /** Bits per byte of each window's continuation, after its prompt was prefilled with the policy; without one, densely. */
  async bitsPerByte(policy) {
    const key = policy && JSON.stringify(policy);
    const known = this.#measured.get(key);
    if (known) return known.bits;
    const bits = await this.#score((prompt) => prompt, policy);
    this.#measured.set(key, { policy, bits });
    return bits;
  }

  /** Bits per byte of each window's continuation where the model reads the last bytes of the prompt only, densely. */
  async bitsPerByteAfter(lastBytes) {
    return this.#score((prompt) => prompt.subarray(-lastBytes));
  }

  /**
   * The share of the blocks' FLOPs that a policy saves in a prefill, the mean over windows.
   *
   * @param step measures every step-th window only
   */
  async saved(policy, step = 1) {
    const dense = flops(this.config, { length: promptLength }).blocks;
    const prompts = this.#windows.filter((_, i) => i % step === 0).map(({ prompt }) => prompt);
    let blocks = 0;
    for (const prompt of prompts) {
      const counts = policy.name === 'ltmp' ? await this.#counts(policy, prompt) : undefined;
      blocks += flops(this.config, { length: promptLength, reduction: policy, counts }).blocks;
    }
    return 1 - blocks / prompts.length / dense;
  }

  async #score(contextOf, reduction) {
    const bits = [];
    for (const { prompt, continuation } of this.#windows) {
      const { total } = await this.#model.score(contextOf(prompt), continuation, { reduction });
      bits.push(-total / Math.LN2 / continuation.length);
    }
    return bits;
  }

  /** Tokens that each reduction leaves of a prompt. */
  async #counts(policy, prompt) {
    const { kept } = await this.#model.forward(prompt, { reduction: policy, logits: 'last' });
    return kept.map(({ positions }) => positions.length);
  }
}
