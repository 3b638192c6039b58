import {
  imageBatches,
  imagenetSynsets,
  openImageFolder,
  sampleImages,
} from '../../../dist/evaluation/index.js';

/** Images decoded together. */
const batchSize = 64;

/**
 * Decodes the images of a folder once and for all, as the model sees them.
 *
 * @param limit at most so many, drawn at random
 * @returns `pixels` `[images, 3, side, side]`, normalised, and `labels`, each image's class
 */
export async function readImages(model, folder, limit) {
  const { config, labels: names } = model;
  const synsets = config.numClasses === 1000 ? await imagenetSynsets() : undefined;
  const { images, classes } = await openImageFolder(folder, {
    numClasses: config.numClasses,
    labels: names,
    synsets,
  });
  const chosen = sampleImages(images, limit);
  const [side] = config.imageSize;
  const pixels = new Float32Array(chosen.length * 3 * side * side);
  let at = 0;
  for await (const batch of imageBatches(chosen, { imageSize: config.imageSize, batchSize })) {
    pixels.set(batch.pixels, at);
    at += batch.pixels.length;
  }
  return { pixels, side, labels: chosen.map(({ label }) => label), classes };
}
