import { flops } from 'skipscan';

/** What policies do to one model's predictions on the same samples. Every policy is measured once. */
export class Measurement {
  #measured = new Map();

  /**
   * @param model whose predictions are measured
   * @param length tokens of a sample
   */
  constructor(model, length) {
    this.model = model;
    this.length = length;
  }

  get config() {
    return this.model.config;
  }

  /** The policies measured so far. */
  get policies() {
    return [...this.#measured.values()].flatMap(({ policy }) => policy ?? []);
  }

  /** A value for each sample, with this policy; without one, densely. */
  async values(policy) {
    const key = policy && JSON.stringify(policy);
    const known = this.#measured.get(key);
    if (known) return known.values;
    const values = await this.measure(policy);
    this.#measured.set(key, { policy, values });
    return values;
  }

  /**
   * The share of the blocks' FLOPs that a policy saves, the mean over samples.
   *
   * @param step measures every step-th sample only, where that depends on the sample
   */
  async saved(policy, step = 1) {
    const blocks = (reduction, counts) =>
      flops(this.config, { length: this.length, reduction, counts }).blocks;
    const dense = blocks();
    if (policy.name !== 'ltmp') return 1 - blocks(policy) / dense;
    const counts = await this.counts(policy, step);
    return 1 - counts.reduce((sum, own) => sum + blocks(policy, own), 0) / counts.length / dense;
  }

  /** A reduction that keeps every token must not change a bit; if it does, nothing else here means anything. */
  async checkIdentity(policy) {
    const [kept, dense] = [await this.values(policy), await this.values()];
    const at = kept.findIndex((value, i) => value !== dense[i]);
    if (at < 0) return;
    throw new Error(`keep: 1 changes sample ${at}: found ${kept[at]}, expected ${dense[at]}`);
  }
}
