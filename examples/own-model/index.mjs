// What the package offers: a classifier of signals that are mostly quiet.
import { fileURLToPath } from 'node:url';
import { openWeights, ops, ScanPath, Tensor } from 'skipscan';
import { Block, sizes } from './block.mjs';

export const kinds = /** @type {const} */ (['rise', 'fall', 'tone', 'beats', 'clicks']);

/**
 * @typedef {import('skipscan').Tensor} Weight
 * @typedef {object} Result of one signal
 * @property {typeof kinds[number]} kind the most probable one
 * @property {number[]} probabilities of all, in the order of `kinds`
 * @property {number[]} kept the frames that the second block has read
 */

export class SignalClassifier {
  /** @param {{ embed: Weight, embedBias: Weight, finalNorm: Weight, head: Weight, headBias: Weight, blocks: Block[] }} weights */
  constructor(weights) {
    this.weights = weights;
  }

  /** @param {string} [file] the weights; by default those that are beside this file */
  static async load(file = fileURLToPath(new URL('weights.safetensors', import.meta.url))) {
    const weights = await openWeights(file);
    const { frame, width } = sizes;
    return new SignalClassifier({
      embed: await weights.read('embed', { shape: [width, frame] }),
      embedBias: await weights.read('embed_bias', { shape: [width] }),
      finalNorm: await weights.read('final_norm', { shape: [width] }),
      head: await weights.read('head', { shape: [kinds.length, width] }),
      headBias: await weights.read('head_bias', { shape: [kinds.length] }),
      blocks: [await Block.load(weights, 'blocks.0.'), await Block.load(weights, 'blocks.1.')],
    });
  }

  /**
   * What happens in each signal. Signals may have any lengths; all are computed in one pass.
   *
   * @param {readonly Float32Array[]} signals a multiple of 8 samples each
   * @param {{ keep?: number }} [o] the share of the frames that the second block reads. Defaults to 0.4
   * @returns {Promise<Result[]>}
   */
  async classify(signals, { keep = 0.4 } = {}) {
    const { embed, embedBias, finalNorm, head, headBias, blocks } = this.weights;
    const { frames, path } = pack(signals);
    const { y: embedded } = await ops.linear({ x: frames, weight: embed, bias: embedBias });
    const first = await blocks[0].run(embedded, undefined, path);

    // Which frames matter the first block has found out. The others leave both branches, and the path remembers where they were.
    const policy = /** @type {const} */ ({ name: 'prune', keep });
    const selection = await ops.selectTokens({ policy, scores: first.scores, offsets: path.offsets });
    const reduced = await ops.reduceTokens({ hidden: first.added, residual: first.stream, selection });
    const shorter = path.subset(selection.kept).compacted();

    const second = await blocks[1].run(reduced.hidden, reduced.residual, shorter);
    const { y: rows } = await ops.rmsNorm({ x: second.added, residual: second.stream, weight: finalNorm });
    const { y: means } = await ops.meanRows({ x: rows, offsets: shorter.offsets });
    const { y: logits } = await ops.linear({ x: means, weight: head, bias: headBias });
    return results(logits.toFloat32(), selection);
  }
}

/**
 * Signals as rows of frames, one after another, and the path through them: nothing is padded.
 *
 * @param {readonly Float32Array[]} signals
 */
function pack(signals) {
  const { frame } = sizes;
  if (signals.length === 0) throw new RangeError('There must be at least one signal.');
  const wrong = signals.find(({ length }) => length === 0 || length % frame !== 0);
  if (wrong)
    throw new RangeError(`A signal has ${wrong.length} samples; it must have a multiple of ${frame}.`);
  const lengths = signals.map(({ length }) => length / frame);
  const rows = lengths.reduce((sum, length) => sum + length, 0);
  const samples = new Float32Array(rows * frame);
  let at = 0;
  for (const signal of signals) {
    samples.set(signal, at);
    at += signal.length;
  }
  return { frames: Tensor.from(samples, [rows, frame]), path: ScanPath.full(lengths) };
}

/**
 * @param {Float32Array} logits `[signals, kinds]`
 * @param {import('skipscan').ops.Selection} selection
 * @returns {Result[]}
 */
function results(logits, { offsets, positions }) {
  return Array.from({ length: offsets.length - 1 }, (_, s) => {
    const own = [...logits.subarray(s * kinds.length, (s + 1) * kinds.length)];
    const most = Math.max(...own);
    const powers = own.map((logit) => Math.exp(logit - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return {
      kind: kinds[own.indexOf(most)],
      probabilities: powers.map((power) => power / sum),
      kept: [...positions.subarray(offsets[s], offsets[s + 1])],
    };
  });
}
