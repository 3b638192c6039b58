/** The shapes of published models of state-spaces, and two small ones that try the benchmark itself in seconds. */
export const shapes = {
  'mamba-130m': mamba({ dModel: 768, layers: 24, vocabulary: 50280, dState: 16 }),
  'mamba2-130m': mamba2({ dModel: 768, layers: 24, vocabulary: 50288, dState: 128, headDim: 64 }),
  'mamba-1.4b': mamba({ dModel: 2048, layers: 48, vocabulary: 50280, dState: 16 }),
  'mamba-2.8b': mamba({ dModel: 2560, layers: 64, vocabulary: 50280, dState: 16 }),
  'mamba2-1.3b': mamba2({ dModel: 2048, layers: 48, vocabulary: 50288, dState: 128, headDim: 64 }),
  'mamba2-2.7b': mamba2({ dModel: 2560, layers: 64, vocabulary: 50288, dState: 128, headDim: 64 }),
  'mamba-tiny': mamba({ dModel: 128, layers: 3, vocabulary: 1024, dState: 16 }),
  'mamba2-tiny': mamba2({ dModel: 128, layers: 3, vocabulary: 1024, dState: 32, headDim: 32 }),
};

function mamba(shape) {
  const dInner = 2 * shape.dModel;
  return { ...shape, family: 'mamba', dInner, convWidth: 4, dtRank: Math.ceil(shape.dModel / 16) };
}

function mamba2(shape) {
  const dInner = 2 * shape.dModel;
  return { ...shape, family: 'mamba2', dInner, convWidth: 4, groups: 1, heads: dInner / shape.headDim };
}

/** The matrices of one block as `[outputs, inputs]`, and the other parameters that a block holds. */
export function blockParameters(shape) {
  const { family, dModel: D, dInner: E, dState: N, convWidth: W, dtRank: R, groups: G, heads: H } = shape;
  if (family === 'mamba') {
    const matrices = [
      [2 * E, D],
      [R + 2 * N, E],
      [E, R],
      [D, E],
    ];
    return { matrices, others: D + E * (W + 1) + E + E * N + E };
  }
  const conv = E + 2 * G * N;
  return {
    matrices: [
      [E + conv + H, D],
      [D, E],
    ],
    others: D + conv * (W + 1) + 3 * H + E,
  };
}

/** 8-bit values as in q8_0: each 32 share a scale of 16 bits. */
const bytesOfValue = { f32: 4, bf16: 2, i8: 68 / 64 };

/**
 * The work and the bytes of a model, per token. A multiply-add counts as two operations.
 *
 * @param dtype of the matrices, `f32`, `bf16` or `i8`; all other parameters and the state are float32
 */
export function counts(shape, dtype) {
  const { family, dModel: D, dInner: E, dState: N, convWidth: W, layers, vocabulary } = shape;
  const { matrices, others } = blockParameters(shape);
  const matrixValues = layers * matrices.reduce((sum, [outputs, inputs]) => sum + outputs * inputs, 0);
  const headValues = vocabulary * D; // the embedding, which is the output head too
  const otherValues = layers * others + D;
  const convChannels = family === 'mamba' ? E : E + 2 * shape.groups * N;
  return {
    parameters: matrixValues + headValues + otherValues,
    /** In the matrix products of all blocks; the head's are apart, a prefill needs it once. */
    productFlops: 2 * matrixValues,
    headFlops: 2 * headValues,
    /** (channel, state) pairs that one token updates, in all layers. */
    stateUpdates: layers * E * N,
    /** What decoding one token reads: every matrix, the head and all other parameters once. */
    weightBytes: (matrixValues + headValues) * bytesOfValue[dtype] + otherValues * 4,
    /** The recurrent state, which decoding one token reads and writes. */
    stateBytes: 4 * layers * (E * N + convChannels * W),
  };
}

/**
 * The tokens per second that no engine can pass on a machine with the given limits; undefined where one is not given.
 *
 * Prefill: the products at `gflops`. Besides them Mamba-1's scan costs `scanNs` nanoseconds for each state update (an
 * exponential bounds it); Mamba-2's is matrix work, at least two multiply-adds for each (one into the state, one out).
 * Decode: the weights at `readGbs`.
 */
export function floors(shape, dtype, { gflops, scanNs, readGbs }) {
  const { productFlops, stateUpdates, weightBytes } = counts(shape, dtype);
  const scanSeconds =
    shape.family === 'mamba' ? (stateUpdates * scanNs) / 1e9 : (4 * stateUpdates) / (gflops * 1e9);
  const prefill = 1 / (productFlops / (gflops * 1e9) + scanSeconds);
  const decode = (readGbs * 1e9) / weightBytes;
  return {
    prefill: Number.isNaN(prefill) ? undefined : prefill,
    decode: Number.isNaN(decode) ? undefined : decode,
  };
}

/** The operations of all products that a ViM does for an image: the patches', the blocks' and the head's. */
export function imageProductFlops({ layers, dModel, dInner, dState, dtRank, patchSize, grid, numClasses }) {
  const patches = grid[0] * grid[1];
  const direction = dInner * (dtRank + 2 * dState) + dtRank * dInner;
  const block = dModel * 2 * dInner + 2 * direction + dInner * dModel;
  const perToken = layers * block;
  return 2 * ((patches + 1) * perToken + patches * 3 * patchSize ** 2 * dModel + numClasses * dModel);
}
