// examples/own-model in plain loops and double precision, from its description alone: no operator, no path, no tensor.
import type { Golden } from './read-tensors';

type Rows = number[][];
type Weights = ReadonlyMap<string, Golden>;

const silu = (v: number) => v / (1 + Math.exp(-v));
const softplus = (v: number) => Math.log1p(Math.exp(v));

function multiply(rows: Rows, weights: Weights, name: string, bias?: string): Rows {
  const { shape, data } = weights.get(name)!;
  const [outputs, inputs] = shape;
  return rows.map((row) =>
    Array.from({ length: outputs }, (_, o) => {
      let sum = bias === undefined ? 0 : weights.get(bias)!.data[o];
      for (let i = 0; i < inputs; i += 1) sum += row[i] * data[o * inputs + i];
      return sum;
    }),
  );
}

function norm(rows: Rows, weights: Weights, name: string): Rows {
  const { data } = weights.get(name)!;
  return rows.map((row) => {
    const scale = 1 / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / row.length + 1e-5);
    return row.map((v, i) => v * scale * data[i]);
  });
}

/** One direction over rows in the order they are visited; `positions` in the same order, rising or falling. */
function direction(x: Rows, positions: number[], weights: Weights, prefix: string): Rows {
  const of = (name: string) => weights.get(prefix + name)!;
  const [channels, taps] = of('conv').shape;
  const states = of('A').shape[1];
  const u = x.map((_, t) =>
    Array.from({ length: channels }, (_, e) => {
      let sum = of('conv_bias').data[e];
      for (let tap = 0; tap < taps; tap += 1)
        sum += of('conv').data[e * taps + tap] * (x[t - taps + 1 + tap]?.[e] ?? 0);
      return silu(sum);
    }),
  );
  const [delta, B, C] = [
    multiply(u, weights, `${prefix}delta`),
    multiply(u, weights, `${prefix}B`),
    multiply(u, weights, `${prefix}C`),
  ];
  const h = new Float64Array(channels * states);
  return u.map((row, t) => {
    // Positions that were dropped since the last row let time pass.
    const passed = t === 0 ? 1 : Math.abs(positions[t] - positions[t - 1]);
    return row.map((input, e) => {
      const dt = softplus(delta[t][e] + of('delta_bias').data[e]);
      let y = of('D').data[e] * input;
      for (let n = 0; n < states; n += 1) {
        const i = e * states + n;
        h[i] = Math.exp(passed * dt * of('A').data[i]) * h[i] + dt * input * B[t][n];
        y += C[t][n] * h[i];
      }
      return y;
    });
  });
}

/** What a block adds to the stream, and the gated mean of both directions. */
function block(
  stream: Rows,
  positions: number[],
  weights: Weights,
  prefix: string,
): { added: Rows; y: Rows } {
  const normed = norm(stream, weights, `${prefix}norm`);
  const x = multiply(normed, weights, `${prefix}input`);
  const gate = multiply(normed, weights, `${prefix}gate`);
  const there = direction(x, positions, weights, `${prefix}there.`);
  const back = direction(x.toReversed(), positions.toReversed(), weights, `${prefix}back.`).reverse();
  const y = there.map((row, t) => row.map((v, e) => ((v + back[t][e]) / 2) * silu(gate[t][e])));
  return { added: multiply(y, weights, `${prefix}output`), y };
}

const sum = (a: Rows, b: Rows): Rows => a.map((row, t) => row.map((v, i) => v + b[t][i]));

/** The probabilities of one signal, and the frames that are kept. */
export function classifySignal(signal: Float32Array, keep: number, weights: Weights) {
  const frames = Array.from({ length: signal.length / 8 }, (_, f) => [...signal.subarray(8 * f, 8 * f + 8)]);
  const embedded = multiply(frames, weights, 'embed', 'embed_bias');
  const all = frames.map((_, f) => f);
  const first = block(embedded, all, weights, 'blocks.0.');
  const scores = first.y.map((row) => row.reduce((sum, v) => sum + v * v, 0));
  const kept = all
    .toSorted((a, b) => scores[b] - scores[a])
    .slice(0, Math.ceil(keep * all.length))
    .sort((a, b) => a - b);
  const whole = sum(embedded, first.added);
  const stream = kept.map((f) => whole[f]);
  const rows = norm(sum(stream, block(stream, kept, weights, 'blocks.1.').added), weights, 'final_norm');
  const mean = rows[0].map((_, i) => rows.reduce((total, row) => total + row[i], 0) / rows.length);
  const [logits] = multiply([mean], weights, 'head', 'head_bias');
  const powers = logits.map(Math.exp);
  const total = powers.reduce((a, b) => a + b);
  return { probabilities: powers.map((power) => power / total), kept };
}
