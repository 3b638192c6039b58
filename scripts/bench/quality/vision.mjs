import { Measurement } from './measurement.mjs';

/** Whether a vision model is right about each image with a policy: 100 where it is, else 0, so that means are per cent. */
export class VisionMeasurement extends Measurement {
  #images;
  #batchSize;

  /** @param images of `readImages` */
  constructor(model, images, batchSize) {
    const { family, grid } = model.config;
    super(model, grid[0] * grid[1] + (family === 'vim' ? 1 : 0));
    this.#images = images;
    this.#batchSize = batchSize;
  }

  async measure(reduction) {
    const { labels } = this.#images;
    const values = [];
    await this.#forward(reduction, 1, ({ logits, numClasses }, count) => {
      for (let i = 0; i < count; i++) {
        const own = logits.subarray(i * numClasses, (i + 1) * numClasses);
        values.push(indexOfLargest(own) === labels[values.length] ? 100 : 0);
      }
    });
    return values;
  }

  /** Tokens that each reduction leaves of every step-th image. */
  async counts(reduction, step) {
    const counts = [];
    await this.#forward(reduction, step, ({ kept }, count) => {
      for (let i = 0; i < count; i++) {
        counts.push(kept.map(({ offsets }) => offsets[i + 1] - offsets[i]));
      }
    });
    return counts;
  }

  /** Batches of every step-th image. `use` gets what the model makes of a batch, and how many images it has. */
  async #forward(reduction, step, use) {
    const { side, pixels } = step === 1 ? this.#images : every(step, this.#images);
    const image = 3 * side * side;
    for (let at = 0; at < pixels.length; at += this.#batchSize * image) {
      const batch = pixels.subarray(at, at + this.#batchSize * image);
      const count = batch.length / image;
      use(await this.model.forward(batch, [count, 3, side, side], { reduction }), count);
    }
  }
}

function every(step, { side, pixels }) {
  const image = 3 * side * side;
  const count = Math.ceil(pixels.length / image / step);
  const chosen = new Float32Array(count * image);
  for (let i = 0; i < count; i++) {
    chosen.set(pixels.subarray(i * step * image, (i * step + 1) * image), i * image);
  }
  return { side, pixels: chosen };
}

function indexOfLargest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
