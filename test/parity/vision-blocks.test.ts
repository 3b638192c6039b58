// A block of each vision model, put together from the public operators, against what is inside of the authors' own: every value that
// the reference has of one layer, within 10 times the float32 noise that it states.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ops, ScanPath, Tensor } from '../../lib';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { reference } from '../helpers/reference';

/** One layer's weights, what the authors' code computes in it, and how near that must be. */
class Layer {
  private constructor(
    private readonly weights: Map<string, Golden>,
    private readonly golden: Map<string, Golden>,
    private readonly noise: Record<string, { max_abs: number }>,
    private readonly names: { weights: string; golden: string },
  ) {}

  static async read(model: string, names: { weights: string; golden: string }): Promise<Layer> {
    const file = (name: string) => path.join(reference(`vision/${model}`)!, name);
    const noise = JSON.parse(readFileSync(file('noise.json'), 'utf8'));
    return new Layer(
      await readTensors(file('model.safetensors')),
      await readTensors(file('golden.safetensors')),
      noise,
      names,
    );
  }

  #weight(name: string): Golden {
    return this.weights.get(this.names.weights + name)!;
  }
  weight(name: string, factor = 1): Tensor {
    const { data, shape } = this.#weight(name);
    return Tensor.from(
      data.map((x) => factor * x),
      shape,
    );
  }
  /** `[channels, 1, window...]` as `[channels, window]`. */
  window(name: string): Tensor {
    const { data, shape } = this.#weight(name);
    return Tensor.from(data, [shape[0], data.length / shape[0]]);
  }
  A(name: string): Tensor {
    const { data, shape } = this.#weight(name);
    return Tensor.from(
      data.map((x) => -Math.exp(x)),
      shape,
    );
  }

  get(name: string): Golden {
    return this.golden.get(this.names.golden + name)!;
  }
  tensor(name: string): Tensor {
    return Tensor.from(this.get(name).data, this.get(name).shape);
  }
  /** Fails unless `values` are the golden's; with `transposed` it is `[channels, tokens]` and they are not. */
  expect(name: string, values: Float32Array, transposed = false): void {
    const { data, shape } = this.get(name);
    const want = transposed ? transpose(data, shape) : data;
    expect(maxDifference(values, want)).toBeLessThan(10 * this.noise[this.names.golden + name].max_abs);
  }
}

/** `[rows, columns...]` as `[columns, rows]`. */
function transpose(data: Float32Array, [rows]: number[]): Float32Array {
  const columns = data.length / rows;
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

const floats = (tensor: Tensor) => tensor.data() as Float32Array;

/** Columns [from, to) of rows. */
function columns(x: Tensor, from: number, to: number): Tensor {
  const [rows, width] = x.shape;
  const data = floats(x);
  const part = Array.from({ length: rows }, (_, r) => [...data.subarray(r * width + from, r * width + to)]);
  return Tensor.from(Float32Array.from(part.flat()), [rows, to - from]);
}

const reversedRows = (x: Float32Array, width: number) =>
  Float32Array.from(x, (_, i) => x[(x.length / width - 1 - Math.floor(i / width)) * width + (i % width)]);

(reference('vision/vim') ? describe : describe.skip)('ViM', () => {
  test('a block of two directions', async () => {
    const layer = await Layer.read('vim', { weights: 'layers.3.mixer.', golden: 'image0.layer3.' });
    const [inner, states, rank, tokens] = [80, 16, 3, 65];
    const { y: xz } = await ops.linear({
      x: layer.tensor('mixer_in'),
      weight: layer.weight('in_proj.weight'),
    });
    const [x, z] = [columns(xz, 0, inner), columns(xz, inner, 2 * inner)];
    layer.expect('z', floats(z), true);

    let sum: Tensor | undefined;
    for (const { name, suffix, logA, path } of [
      { name: 'fwd', suffix: '', logA: 'A_log', path: ScanPath.full(tokens) },
      { name: 'bwd', suffix: '_b', logA: 'A_b_log', path: ScanPath.full(tokens).reversed() },
    ]) {
      // The reference has the backward direction in the order of its scan.
      const inOrder = (values: Float32Array, width: number) =>
        name === 'bwd' ? reversedRows(values, width) : values;
      const { y: u } = await ops.causalConv({
        x,
        weight: layer.window(`conv1d${suffix}.weight`),
        bias: layer.weight(`conv1d${suffix}.bias`),
        path,
      });
      layer.expect(`${name}.conv_silu`, inOrder(floats(u), inner), true);
      const { y: parameters } = await ops.linear({ x: u, weight: layer.weight(`x_proj${suffix}.weight`) });
      const [B, C] = [
        columns(parameters, rank, rank + states),
        columns(parameters, rank + states, rank + 2 * states),
      ];
      layer.expect(`${name}.B`, inOrder(floats(B), states), true);
      layer.expect(`${name}.C`, inOrder(floats(C), states), true);
      const { y: delta } = await ops.linear({
        x: columns(parameters, 0, rank),
        weight: layer.weight(`dt_proj${suffix}.weight`),
      });
      layer.expect(`${name}.dt_lowrank_up`, inOrder(floats(delta), inner), true);
      const scan = {
        u,
        delta,
        A: layer.A(logA),
        B,
        C,
        D: layer.weight(`D${suffix}`),
        dtBias: layer.weight(`dt_proj${suffix}.bias`),
        path,
      };
      layer.expect(`${name}.y_ungated`, inOrder(floats((await ops.selectiveScan(scan)).y), inner), true);
      layer.expect(
        `${name}.y_gated`,
        inOrder(floats((await ops.selectiveScan({ ...scan, z })).y), inner),
        true,
      );
      const last = name === 'bwd' ? { sumIn: sum, outputScale: 0.5, z } : {};
      sum = (await ops.selectiveScan({ ...scan, ...last })).y;
    }
    const { y } = await ops.linear({ x: sum!, weight: layer.weight('out_proj.weight') });
    layer.expect('mixer_out', floats(y));
  });
});

(reference('vision/plainmamba') ? describe : describe.skip)('PlainMamba', () => {
  test('a block of four directions', async () => {
    const layer = await Layer.read('plainmamba', {
      weights: 'backbone.layers.2.mamba.',
      golden: 'image0.layer2.',
    });
    const orders = await readTensors(path.join(reference('vision/plainmamba')!, 'golden.safetensors'));
    const [inner, states, rank, tokens, size] = [80, 16, 3, 64, 7];
    const { y: xz } = await ops.linear({
      x: layer.tensor('mamba_in'),
      weight: layer.weight('in_proj.weight'),
      bias: layer.weight('in_proj.bias'),
    });
    layer.expect('xz', floats(xz));
    const z = columns(xz, inner, 2 * inner);
    const conv = {
      x: columns(xz, 0, inner),
      weight: Tensor.from(transpose(floats(layer.window('conv2d.weight')), [inner, size * size]), [
        size,
        size,
        inner,
      ]),
      bias: layer.weight('conv2d.bias'),
      grid: [8, 8] as [number, number],
    };
    layer.expect(
      'conv2d_pre_silu',
      floats((await ops.depthwiseConv2d({ ...conv, activation: 'none' })).y),
      true,
    );
    const { y: u } = await ops.depthwiseConv2d({ ...conv, activation: 'silu' });
    const { y: parameters } = await ops.linear({ x: u, weight: layer.weight('x_proj.weight') });
    layer.expect('x_dbl', floats(parameters));
    const delta = await ops.linear({
      x: columns(parameters, 0, rank),
      weight: layer.weight('dt_proj.weight'),
      bias: layer.weight('dt_proj.bias'),
    });
    layer.expect('dt_after_dt_proj', floats(delta.y), true);

    const inOrder = Int32Array.from({ length: tokens }, (_, i) => i);
    let sum: Tensor | undefined;
    for (let d = 0; d < 4; d += 1) {
      const part = ({ ints }: Golden) => Int32Array.from(ints.slice(d * tokens, (d + 1) * tokens));
      const order = part(orders.get('train_size.scan_order')!);
      const { y: B } = await ops.addRows({
        x: columns(parameters, rank, rank + states),
        table: layer.weight('direction_Bs'),
        ids: Tensor.from(part(orders.get('train_size.scan_direction')!), [tokens], { dtype: 'i32' }),
      });
      const full = ScanPath.full(tokens).permuted([...order]);
      const last = d === 3 ? { z } : {};
      const scan = {
        u,
        delta: delta.y,
        A: layer.A('A_log'),
        B,
        C: columns(parameters, rank + states, rank + 2 * states),
        D: layer.weight('D'),
        dtBias: layer.weight('dt_proj.bias'), // for the second time
        path: new ScanPath({ ...full, paramIndex: inOrder }),
      };
      const alone = floats((await ops.selectiveScan(scan)).y);
      const want = layer
        .get('scan_y_token_order')
        .data.subarray(d * inner * tokens, (d + 1) * inner * tokens);
      expect(maxDifference(alone, transpose(want, [inner, tokens]))).toBeLessThan(2e-3);
      sum = (await ops.selectiveScan({ ...scan, sumIn: sum, ...last })).y;
    }
    const { y } = await ops.linear({
      x: sum!,
      weight: layer.weight('out_proj.weight'),
      bias: layer.weight('out_proj.bias'),
    });
    layer.expect('mamba_out', floats(y));
  });
});
