// The wall to native models: lib/models lets no bad call through, but no mistake in it, and nothing that a caller does to its arrays
// while a call waits, may reach memory outside of them.
import {
  type LanguageModel,
  loadLanguageModel,
  loadVisionModel,
  type Session,
  type VisionModel,
} from '../../lib';
import { native } from '../../lib/native';
import type { NativeLanguageModel, NativeReduction } from '../../lib/native-model-types';
import { type ModelShape, randomModel } from '../helpers/random-model';
import { randomVisionModel } from '../helpers/random-vision-model';
import { f32, safetensorsFile } from '../helpers/safetensors-file';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const shape: ModelShape = { family: 'mamba', dModel: 8, layers: 2, vocab: 10, dState: 4 };
const int32s = (...values: number[]) => Int32Array.from(values);
const take = (array: { buffer: ArrayBufferLike }) =>
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });

let model: LanguageModel;
let inner: NativeLanguageModel;
let session: Session;
beforeAll(async () => {
  model = await loadLanguageModel(files.writeAll('model', randomModel(shape)), { device: 'cpu' });
  inner = model.native;
  session = model.createSession();
});
afterAll(() => model.dispose());

const reduction: NativeReduction = {
  name: 'prune',
  layers: [0],
  keep: [0.5],
  metric: 'clip',
  source: 'gated',
  alignment: 'next',
  conv: 'compact',
  similarity: 'hidden',
  qHidden: 0,
  qResidual: 0,
  pruneBelow: 0,
  mergeAbove: 0,
  seed: 0,
  fuse: false,
  forward: false,
  protect: [],
  protectLast: 1,
};

type Call = { tokens: Int32Array; offsets: Int32Array; options: object; cancel: Int32Array };
const forward = async (change: Partial<Call>) => {
  const call = { tokens: int32s(1, 2, 3), offsets: int32s(0, 3), options: {}, cancel: int32s(0), ...change };
  const options = { lastOnly: true, logits: new Float32Array(20), ...call.options };
  return inner.forward(call.tokens, call.offsets, options, call.cancel);
};
const from = (change: object) => ({
  from: { sessions: [session.native], start: 0, advance: false, ...change },
});

test('runs what is whole', async () => {
  await forward({});
  await forward({ options: { reduction } });
  await forward({ options: from({}) });
});

test.each<[string, Partial<Call> | (() => Partial<Call>), string]>([
  ['a token beyond the vocabulary', { tokens: int32s(1, 10, 3) }, 'token ids from 0 to 9'],
  ['a negative token', { tokens: int32s(1, -1, 3) }, 'token ids from 0 to 9'],
  ['fewer tokens than offsets say', { tokens: int32s(1, 2) }, 'offsets that end with the tokens'],
  ['no offsets', { offsets: int32s() }, 'offsets that end with the tokens'],
  ['offsets that start late', { offsets: int32s(1, 3) }, 'rising offsets'],
  ['offsets that fall', { offsets: int32s(0, 4, 3) }, 'rising offsets'],
  ['an empty sequence', { offsets: int32s(0, 0, 3) }, 'rising offsets'],
  ['no cancel cell', { cancel: int32s() }, 'one number for native argument cancel'],
  ['a start below 0', () => ({ options: from({ start: -1 }) }), 'a position at which'],
  [
    'a start that leaves no position',
    () => ({ options: from({ start: 2 ** 31 - 3 }) }),
    'a position at which',
  ],
  [
    'a session too many',
    () => ({ options: from({ sessions: [session.native, session.native] }) }),
    'as many as',
  ],
  [
    'a layer beyond the model',
    { options: { reduction: { ...reduction, layers: [2] } } },
    'rising ones of the model',
  ],
  [
    'layers that fall',
    { options: { reduction: { ...reduction, layers: [1, 0] } } },
    'rising ones of the model',
  ],
  [
    'no share to keep',
    { options: { reduction: { ...reduction, keep: [] } } },
    'from 0 to 1 for each sequence',
  ],
  [
    'a share that is no number',
    { options: { reduction: { ...reduction, keep: [Number.NaN] } } },
    'from 0 to 1',
  ],
  ['a share to drop above 1', { options: { reduction: { ...reduction, qHidden: 2 } } }, 'from 0 to 1'],
  [
    'fewer than no last tokens',
    { options: { reduction: { ...reduction, protectLast: -(2 ** 31) } } },
    'last tokens to protect is negative',
  ],
  [
    'a policy of vision models',
    { options: { reduction: { ...reduction, name: 'released-top' } } },
    'a reduction of language models',
  ],
])('refuses %s', async (_what, call, message) => {
  await expect(forward(typeof call === 'function' ? call() : call)).rejects.toThrow(message);
});

test('refuses sessions of models of other shapes', async () => {
  const other = files.writeAll('other', randomModel({ ...shape, dState: 3 }));
  await using stranger = await loadLanguageModel(other, { device: 'cpu' });
  const foreign = stranger.createSession().native;
  const message = 'a session of this model for each sequence';
  await expect(forward({ options: from({ sessions: [foreign] }) })).rejects.toThrow(message);
  await expect(inner.step([foreign], int32s(1), new Float32Array(10))).rejects.toThrow(message);
  await expect(inner.step([session.native], int32s(10), new Float32Array(10))).rejects.toThrow('token ids');
  expect(() => new native.Session(inner, foreign)).toThrow('a session of this model to clone');
  expect(() => session.native.importState(new Uint8Array(3))).toThrow("the size of this model's state");
});

test('weights are refused where no file has them, in a dtype that has no weights, and again and again', async () => {
  const loading = new native.LanguageModel(model.config, { device: 'cpu', dtype: 'f32', threads: 1 });
  const [slot] = loading.slots();
  const values = Array.from({ length: 80 }, (_, i) => (i === 79 ? Number.NaN : 1));
  const file = files.write('bad.safetensors', safetensorsFile({ x: f32([10, 8], values) }));
  const source = { slot: slot.name, file, offset: 0, dtype: 'f32' as const };
  await expect(loading.load([{ ...source, offset: -1 }])).rejects.toThrow('which no file has');
  await expect(loading.load([{ ...source, offset: 2 ** 63 - 1024 }])).rejects.toThrow(
    /which no file has|truncated/,
  );
  await expect(loading.load([{ ...source, dtype: 'i32' as never }])).rejects.toThrow(
    'expected f32, bf16 or f16',
  );
  // Each attempt has the place of the one before: there is room for no second one.
  const { size } = { size: safetensorsFile({ x: f32([10, 8], values) }).length - 320 };
  for (let i = 0; i < 50; i++) {
    await expect(loading.load([{ ...source, offset: size }])).rejects.toThrow('is not a finite number');
  }
  loading.dispose();
});

test('tokens are those of when the call was made, whatever becomes of their array', async () => {
  const first = model.forward([1, 2, 3]);
  const tokens = int32s(1, 2, 3);
  const changed = model.forward(tokens);
  tokens.fill(2 ** 31 - 1);
  const wanted = await first;
  expect((await changed).logits).toEqual(wanted.logits);
  const gone = int32s(1, 2, 3);
  await using waiting = model.createSession();
  const prefilled = waiting.prefill(gone);
  take(gone);
  expect(await prefilled).toEqual(wanted.logits.subarray(20));
});

describe('vision models', () => {
  const small = {
    embed_dim: 6,
    depth: 2,
    img_size: 16,
    patch_size: 8,
    num_classes: 3,
    d_state: 2,
    dt_rank: 1,
  };
  let vision: VisionModel;
  beforeAll(async () => {
    vision = await loadVisionModel(files.writeAll('vision', randomVisionModel(small)), { device: 'cpu' });
  });
  afterAll(() => vision.dispose());

  test('pixels that are transferred away while a call waits are an error', async () => {
    const pixels = () => new Float32Array(3 * 16 * 16);
    const first = vision.forward(pixels(), [1, 3, 16, 16]);
    const gone = pixels();
    const waiting = expect(vision.forward(gone, [1, 3, 16, 16])).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('was transferred away or resized while the call waited'),
    });
    take(gone);
    await first;
    await waiting;
  });

  test.each<[string, object, object, string]>([
    ['no pixels', {}, {}, 'its size for native argument pixels'],
    [
      'no room for logits',
      { pixels: 768 },
      { logits: new Float32Array(0) },
      'its size for native argument logits',
    ],
    ['sizes below 0', { pixels: 768, height: -16, width: -16 }, {}, 'at least one image of one patch'],
    [
      'a layer beyond the model',
      { pixels: 768 },
      { reduction: { ...reduction, layers: [2] } },
      'rising ones',
    ],
    [
      'the metric of causal models',
      { pixels: 768 },
      { reduction: { ...reduction, metric: 'state' } },
      'of vision models',
    ],
  ])('refuses %s', async (_what, call, options, message) => {
    const {
      pixels = 0,
      height = 16,
      width = 16,
    } = call as { pixels?: number; height?: number; width?: number };
    const inside = new native.VisionModel(vision.config, { device: 'cpu', dtype: 'f32', threads: 1 });
    const run = async () =>
      inside.forward(
        new Float32Array(pixels),
        { images: 1, height, width },
        { logits: new Float32Array(3), scores: false, ...options },
        int32s(0),
      );
    await expect(run()).rejects.toThrow(message);
    inside.dispose();
  });
});
