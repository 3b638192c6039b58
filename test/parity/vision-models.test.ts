// Vision models against outputs of the authors' own code: values within 10 times the float32 noise that the reference states. A
// wrong formula shows as 0.1 and more.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ops, Tensor, type VisionModel } from '../../lib';
import { loadTestVisionModel } from '../helpers/load-model';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { reference } from '../helpers/reference';

type Noise = Record<string, { max_abs: number }>;

/** What the reference's README states, and its noise.json lacks. */
const stated: Noise = { 'image0.hidden_states': { max_abs: 6.8e-6 }, 'image0.residual': { max_abs: 7.5e-6 } };

const present = (folder: string) => (reference(`vision/${folder}`) ? describe : describe.skip);

class Goldens {
  private constructor(
    readonly tensors: Map<string, Golden>,
    private readonly noise: Noise,
  ) {}

  static async read(folder: string): Promise<Goldens> {
    const tensors = await readTensors(path.join(folder, 'golden.safetensors'));
    const noise = JSON.parse(readFileSync(path.join(folder, 'noise.json'), 'utf8'));
    return new Goldens(tensors, noise);
  }

  get(name: string): Golden {
    const found = this.tensors.get(name);
    if (!found) throw new Error(`the golden has no ${name}`);
    return found;
  }

  /** Fails unless `values` are those of this golden. */
  expect(name: string, values: ArrayLike<number>): void {
    const { max_abs } = { ...this.noise, ...stated }[name];
    expect(maxDifference(values, this.get(name).data)).toBeLessThan(10 * max_abs);
  }
}

type Images = [number, number, number, number];
const sum = (a: Float32Array, b: Float32Array) => a.map((x, i) => x + b[i]);
const folderOf = (name: string) => reference(`vision/${name}`) ?? '';

present('vim')('ViM', () => {
  const folder = folderOf('vim');
  let model: VisionModel;
  let golden: Goldens;
  beforeAll(async () => {
    golden = await Goldens.read(folder);
    model = await loadTestVisionModel(path.join(folder, 'model.safetensors'));
  });
  afterAll(() => model.dispose());
  const images = () => golden.get('images');

  test('logits and features of a batch', async () => {
    const { data, shape } = images();
    const { logits, numClasses } = await model.forward(data, shape as Images);
    expect(numClasses).toBe(10);
    golden.expect('logits', logits);
    golden.expect('features', await model.features(data, shape as Images));
  });

  test('both branches after every block, and what the patch embedding makes', async () => {
    const { data, shape } = images();
    const { hiddenStates } = await model.forward(data.subarray(0, data.length / shape[0]), [1, 3, 64, 64], {
      hiddenStates: true,
    });
    const joined = (branch: 'hidden' | 'residual') =>
      Float32Array.from(hiddenStates!.flatMap((layer) => [...layer[branch]]));
    golden.expect('image0.hidden_states', joined('hidden'));
    golden.expect('image0.residual', joined('residual'));
    const weights = await readTensors(path.join(folder, 'model.safetensors'));
    const positions = weights.get('pos_embed')!.data;
    const embedded = hiddenStates![0].residual.map((x, i) => x - positions[i]);
    const d = 40;
    const patches = Float32Array.from([...embedded.subarray(0, 32 * d), ...embedded.subarray(33 * d)]);
    const first = golden.get('patch_embed').data.subarray(0, 64 * d);
    expect(maxDifference(patches, first)).toBeLessThan(3e-5);
    expect(maxDifference(embedded.subarray(32 * d, 33 * d), weights.get('cls_token')!.data)).toBeLessThan(
      1e-5,
    );
  });

  test("the authors' trainer's checkpoint is the same model, and not its average, which comes with it", async () => {
    await using published = await loadTestVisionModel(path.join(folder, 'checkpoint_full.pth'));
    const { data, shape } = images();
    const [a, b] = [
      await published.forward(data, shape as Images),
      await model.forward(data, shape as Images),
    ];
    expect(a.logits).toEqual(b.logits);
  });
});

present('plainmamba')('PlainMamba', () => {
  const folder = folderOf('plainmamba');
  let model: VisionModel;
  let golden: Goldens;
  beforeAll(async () => {
    golden = await Goldens.read(folder);
    model = await loadTestVisionModel(path.join(folder, 'model.safetensors'));
  });
  afterAll(() => model.dispose());
  const cases = ['train_size', 'wide', 'padded'];

  test.each(cases)('%s: logits, features and the tokens that they are made of', async (name) => {
    const { data, shape } = golden.get(`${name}.images`);
    const { logits, hiddenStates } = await model.forward(data, shape as Images, { hiddenStates: true });
    golden.expect(`${name}.logits`, logits);
    golden.expect(`${name}.features`, await model.features(data, shape as Images));
    const weights = await readTensors(path.join(folder, 'model.safetensors'));
    const norm = (part: string) => Tensor.from(weights.get(`backbone.ln1.${part}`)!.data, [40]);
    const { hidden, residual } = hiddenStates!.at(-1)!;
    const x = Tensor.from(sum(hidden, residual), [hidden.length / 40, 40]);
    const { y } = await ops.layerNorm({ x, weight: norm('weight'), bias: norm('bias'), eps: 1e-6 });
    golden.expect(`${name}.final_tokens`, y.data() as Float32Array);
  });

  test.each(cases)('%s: the orders of the four scans', (name) => {
    const [, , height, width] = golden.get(`${name}.images`).shape;
    const { positions, moves } = model.scanOrders(height, width);
    expect([...positions]).toEqual(golden.get(`${name}.scan_order`).ints);
    expect([...moves!]).toEqual(golden.get(`${name}.scan_direction`).ints);
  });

  test('every block', async () => {
    const { data, shape } = golden.get('train_size.images');
    const { hiddenStates } = await model.forward(data.subarray(0, data.length / shape[0]), [1, 3, 64, 64], {
      hiddenStates: true,
    });
    const outputs = hiddenStates!.flatMap(({ hidden, residual }) => [...sum(hidden, residual)]);
    golden.expect('image0.layer_outputs', outputs);
  });

  test.each(['checkpoint.pth', 'checkpoint_with_ema.pth'])('%s is the same model', async (name) => {
    await using published = await loadTestVisionModel(path.join(folder, name));
    const { data, shape } = golden.get('wide.images');
    const [a, b] = [
      await published.forward(data, shape as Images),
      await model.forward(data, shape as Images),
    ];
    expect(a.logits).toEqual(b.logits);
  });
});
