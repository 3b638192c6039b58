import { ops, ScanPath, Tensor } from 'skipscan';
import { readTensors } from './weights.mjs';

/** What each reduction leaves of a prompt: the layer it comes after, the positions, and the gap before each of them. */
export async function reducedPaths(model, tokens, policy) {
  const { kept } = await model.forward(tokens, { reduction: policy, logits: 'last' });
  return kept.map(({ layer, positions }) => ({ layer, positions, gaps: gapsOf(tokens, positions) }));
}

function gapsOf(tokens, positions) {
  return ScanPath.full(tokens.length).subset(positions).gap;
}

/**
 * Where the first reduction of a `utrc` policy puts what it removes: -1 or a position for each token, in both branches. Made
 * with the public operators and checked against what the model itself keeps. The importance must have the source `block`, which
 * the dense model's hidden states tell.
 */
export async function firstSelection(model, tokens, policy) {
  const shape = [tokens.length, model.config.dModel];
  const [layer] = policy.layers;
  const { hiddenStates } = await model.forward(tokens, { hiddenStates: true, logits: 'last' });
  const [residual, sum] = hiddenStates.slice(layer, layer + 2);
  const hidden = Tensor.from(
    sum.map((value, i) => value - residual[i]),
    shape,
  );
  const { scores } = await ops.tokenImportance({ metric: policy.importance.metric, y: hidden });
  const lastProtected = tokens.map((_, i) => Number(i === tokens.length - 1));
  const selection = await ops.selectTokens({ policy, scores, features: hidden, protected: lastProtected });
  const [{ positions }] = await reducedPaths(model, tokens, policy);
  if (selection.kept.join() !== positions.join()) {
    throw new Error(`the operators keep ${selection.kept}, the model ${positions}`);
  }
  return selection;
}

/**
 * A and the time steps dt of a Mamba-2 block, as it sees the prompt unreduced.
 *
 * @returns `[heads]` and `[tokens][heads]`
 */
export async function timeSteps(model, tokens, layer) {
  const { dModel, heads, normEps, dtMin, dtMax } = model.config;
  const block = `backbone.layers.${layer}`;
  const [norm, projection, bias, logA] = readTensors(
    model.source,
    ['norm.weight', 'mixer.in_proj.weight', 'mixer.dt_bias', 'mixer.A_log'].map((name) => `${block}.${name}`),
  );
  const { hiddenStates } = await model.forward(tokens, { hiddenStates: true, logits: 'last' });
  const stream = Tensor.from(hiddenStates[layer], [tokens.length, dModel]);
  const normed = await ops.rmsNorm({ x: stream, weight: norm, eps: normEps });
  const { y } = await ops.linear({ x: normed.y, weight: projection });
  const width = y.shape[1];
  const biases = bias.toFloat32();
  const projected = y.toFloat32();
  const dt = tokens.map((_, row) =>
    Array.from(biases, (value, head) => {
      const delta = projected[(row + 1) * width - heads + head]; // dt is the last part of a row
      return Math.min(Math.max(Math.log1p(Math.exp(delta + value)), dtMin), dtMax);
    }),
  );
  return { A: Array.from(logA.toFloat32(), (value) => -Math.exp(value)), dt };
}

/**
 * What is left of a head's state after each position, as a share of what it was before the first: every position multiplies it
 * by exp(A * time). A skipped one takes its time as docs/reduction.md, section 2, has it; in the dense scan its own.
 *
 * @param A of the head, below 0
 * @param dt `[tokens]` of the head
 * @param kept positions, the last one among them
 * @returns `[tokens]` for the dense scan and for each alignment
 */
export function decays(A, dt, kept) {
  const isKept = new Set(kept);
  const next = (position) => kept.find((other) => other > position);
  const previous = (position) => kept.findLast((other) => other < position) ?? next(position);
  const along = (timeOfSkipped) => {
    let exponent = 0;
    return dt.map((own, position) => {
      exponent += A * (isKept.has(position) ? own : timeOfSkipped(position));
      return Math.exp(exponent);
    });
  };
  return {
    dense: along((position) => dt[position]),
    none: along(() => 0),
    next: along((position) => dt[next(position)]),
    previous: along((position) => dt[previous(position)]),
  };
}
