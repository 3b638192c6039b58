import skipscan from '../../dist/index.js';
import { sampleImages } from './models.mjs';
import { randomNumbers } from './random.mjs';

// What a soak does with a vision model; see language.mjs.

const { recommended, prune, paperSchedule } = skipscan;

function pixels(model, variant, images) {
  const next = randomNumbers(2000 + variant);
  const [height, width] = model.config.imageSize;
  return Float32Array.from({ length: images * 3 * height * width }, () => next(1000) / 250 - 2);
}

function reductionOf(model, variant) {
  if (variant === 0) return undefined;
  if (variant === 1) return recommended(model.config, { flopsReduction: 0.2 });
  return prune({ ...paperSchedule(model.config), keep: 0.7 });
}

export const visionOperations = {
  async forward(model, variant, { signal }) {
    const [height, width] = model.config.imageSize;
    const images = 1 + variant;
    const { logits, kept } = await model.forward(pixels(model, variant, images), [images, 3, height, width], {
      reduction: reductionOf(model, variant),
      signal,
    });
    return { logits, kept };
  },

  classify(model, variant, { signal }) {
    const images = sampleImages();
    const some = variant === 3 ? [...images, ...images] : images[variant];
    return model.classify(some, { reduction: reductionOf(model, variant), signal });
  },

  features(model, variant, { signal }) {
    return model.features(sampleImages().slice(0, 1 + variant), { signal });
  },

  async explain(model, variant, { signal }) {
    const { png } = await model.explain(sampleImages()[variant], {
      reduction: reductionOf(model, 1 + variant),
      signal,
    });
    return png;
  },
};
