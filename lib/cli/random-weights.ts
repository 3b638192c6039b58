// Random weights for benchmarks, which need the shape of a published model, not what it learned. A tensor is drawn from its name
// alone, so any file can be written at any time. The scales are livelier than those of a fresh model, and nothing is 0 or 1:
// outputs differ between tokens, and an engine that leaves a term out gives visibly different ones.

/** Element `i` of a tensor, made of numbers from 0 (included) to 1. */
export type Draw = (random: () => number, i: number) => number;

export function drawTensor(name: string, shape: readonly number[], draw: Draw): Float32Array {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const random = randomNumbers(name);
  for (let i = 0; i < values.length; i++) values[i] = draw(random, i);
  return values;
}

/** Uniform with the given standard deviation. */
export function spread(deviation: number): Draw {
  const width = deviation * Math.sqrt(12);
  return (random) => (random() - 0.5) * width;
}

/** Uniform within a fifth of `centre`. */
export function near(centre: number): Draw {
  return (random) => centre * (0.8 + 0.4 * random());
}

/** The inverse of softplus for a time step from 0.001 to 0.1, uniform in the logarithm, as in a fresh model. */
export const timeStepBias: Draw = (random) => {
  const timeStep = 0.001 * 100 ** random();
  return timeStep + Math.log(-Math.expm1(-timeStep));
};

/** The logarithms of rates near 1, 2 and so on up to `count`, again and again. */
export function logRates(count: number): Draw {
  const factor = near(1);
  return (random, i) => Math.log((1 + (i % count)) * factor(random, i));
}

/** Mulberry32, from a state that `name` decides (FNV-1a). */
function randomNumbers(name: string): () => number {
  let state = 2166136261;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 16777619) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
