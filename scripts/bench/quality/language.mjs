import { Measurement } from './measurement.mjs';
import { promptLength } from './windows.mjs';

/** Bits per byte of each window's continuation, after its prompt was prefilled with a policy. */
export class LanguageMeasurement extends Measurement {
  #windows;

  constructor(model, windows) {
    super(model, promptLength);
    this.#windows = windows;
  }

  async measure(reduction) {
    return this.#score((prompt) => prompt, reduction);
  }

  /** The same where the model reads the last bytes of the prompt only, densely. */
  async bitsPerByteAfter(lastBytes) {
    return this.#score((prompt) => prompt.subarray(-lastBytes));
  }

  async #score(contextOf, reduction) {
    const bits = [];
    for (const { prompt, continuation } of this.#windows) {
      const { total } = await this.model.score(contextOf(prompt), continuation, { reduction });
      bits.push(-total / Math.LN2 / continuation.length);
    }
    return bits;
  }

  /** Tokens that each reduction leaves of every step-th prompt. */
  async counts(reduction, step) {
    const counts = [];
    for (const { prompt } of this.#windows.filter((_, i) => i % step === 0)) {
      const { kept } = await this.model.forward(prompt, { reduction, logits: 'last' });
      counts.push(kept.map(({ positions }) => positions.length));
    }
    return counts;
  }
}
