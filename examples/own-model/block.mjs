// A Mamba block that reads in both directions, as ViM's (arXiv 2401.09417): two scans over the same rows, added up, one gate.
import { ops } from 'skipscan';

/**
 * @typedef {import('skipscan').Tensor} Tensor
 * @typedef {import('skipscan').ScanPath} ScanPath
 * @typedef {object} Direction the weights of one
 * @property {Tensor} conv `[E, 4]`
 * @property {Tensor} convBias `[E]`
 * @property {Tensor} delta `[E, E]`
 * @property {Tensor} deltaBias `[E]`
 * @property {Tensor} A `[E, N]`
 * @property {Tensor} B `[N, E]`
 * @property {Tensor} C `[N, E]`
 * @property {Tensor} D `[E]`
 */

/** The sizes of the model: `D` channels of the stream, `E` of the scan, `N` states. */
export const sizes = { frame: 8, width: 16, inner: 32, states: 4, taps: 4 };

export class Block {
  /**
   * @param {{ norm: Tensor, input: Tensor, gate: Tensor, output: Tensor, there: Direction, back: Direction }} weights
   */
  constructor(weights) {
    this.weights = weights;
  }

  /** @param {import('skipscan').Weights} file @param {string} prefix */
  static async load(file, prefix) {
    const { width, inner, states, taps } = sizes;
    /** @param {string} name @param {number[]} shape */
    const read = (name, ...shape) => file.read(prefix + name, { shape });
    /** @param {string} way @returns {Promise<Direction>} */
    const direction = async (way) => ({
      conv: await read(`${way}.conv`, inner, taps),
      convBias: await read(`${way}.conv_bias`, inner),
      delta: await read(`${way}.delta`, inner, inner),
      deltaBias: await read(`${way}.delta_bias`, inner),
      A: await read(`${way}.A`, inner, states),
      B: await read(`${way}.B`, states, inner),
      C: await read(`${way}.C`, states, inner),
      D: await read(`${way}.D`, inner),
    });
    return new Block({
      norm: await read('norm', width),
      input: await read('input', inner, width),
      gate: await read('gate', inner, width),
      output: await read('output', width, inner),
      there: await direction('there'),
      back: await direction('back'),
    });
  }

  /**
   * The residual stream with what the block before has to add, then this block's own addition, and how important each row is.
   *
   * @param {Tensor} added `[T, D]`
   * @param {Tensor | undefined} stream `[T, D]`; none before the first block
   * @param {ScanPath} path over the `T` rows
   */
  async run(added, stream, path) {
    const { norm, input, gate, output, there, back } = this.weights;
    const normed = await ops.rmsNorm({ x: added, weight: norm, ...(stream && { residual: stream }) });
    const { y: x } = await ops.linear({ x: normed.y, weight: input });
    const { y: z } = await ops.linear({ x: normed.y, weight: gate });
    const { y: sumIn } = await scan(x, there, path, {});
    // The second direction is given the sum so far; it takes the mean of both and the gate.
    const { y } = await scan(x, back, path.reversed(), { sumIn, outputScale: 0.5, z });
    const { scores } = await ops.tokenImportance({ metric: 'l2', y });
    return { stream: normed.residual, added: (await ops.linear({ x: y, weight: output })).y, scores };
  }
}

/**
 * Convolution and scan along a path. Positions that the path skips let time pass (`'next'`), so that a state decays over frames that
 * were dropped as if they had been silent.
 *
 * @param {Tensor} x `[T, E]`
 * @param {Direction} weights
 * @param {ScanPath} path
 * @param {{ sumIn?: Tensor, outputScale?: number, z?: Tensor }} rest
 */
async function scan(x, { conv, convBias, delta, deltaBias, A, B, C, D }, path, rest) {
  const { y: u } = await ops.causalConv({ x, weight: conv, bias: convBias, path });
  const of = async (/** @type {Tensor} */ weight) => (await ops.linear({ x: u, weight })).y;
  const parameters = { delta: await of(delta), B: await of(B), C: await of(C) };
  return ops.selectiveScan({ u, ...parameters, A, D, dtBias: deltaBias, path, alignment: 'next', ...rest });
}
