// What users see when something is wrong with what they pass. Damaged files are in test/unit/checkpoints.
import { type LanguageModel, merge, prune, recent } from '../../lib';
import { loadModel } from '../helpers/load-model';
import { randomModel } from '../helpers/random-model';
import { f32, safetensorsFile } from '../helpers/safetensors-file';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const shape = { family: 'mamba', dModel: 8, layers: 1, vocab: 20, dState: 4 } as const;
const good = randomModel(shape);
const config = JSON.parse(good['config.json'] as string);

/** The good model with other config fields. */
function withConfig(name: string, change: object): string {
  return files.writeAll(name, { ...good, 'config.json': JSON.stringify({ ...config, ...change }) });
}

describe('arguments', () => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await loadModel(files.writeAll('good', good));
  });
  afterAll(() => model.dispose());

  test.each<[string, (model: LanguageModel) => Promise<unknown>, string]>([
    [
      'an id above the vocabulary',
      (m) => m.forward([1, 20]),
      'Expected a token id from 0 to 19 for tokens[1] but received 20.',
    ],
    [
      'a negative id',
      (m) => m.forward([-1]),
      'Expected a token id from 0 to 19 for tokens[0] but received -1.',
    ],
    [
      'half a token',
      (m) => m.forward([1.5]),
      'Expected a token id from 0 to 19 for tokens[0] but received 1.5.',
    ],
    ['no tokens', (m) => m.forward([]), 'Expected at least one token for tokens but received none.'],
    [
      'an empty prompt in a batch',
      (m) => m.forward([[1], []]),
      'Expected at least one token for tokens[1] but received none.',
    ],
    [
      'an empty prefill',
      (m) => m.createSession().prefill([]),
      'Expected at least one token for tokens but received none.',
    ],
    [
      'a bad step',
      (m) => m.createSession().step(20),
      'Expected a token id from 0 to 19 for token but received 20.',
    ],
    [
      'not tokens at all',
      (m) => m.forward('hello' as never),
      'Expected an Int32Array or an array of token ids for tokens but received "hello".',
    ],
    [
      'a wrong array type',
      (m) => m.forward(new Float32Array(2) as never),
      'Expected an Int32Array or an array of token ids for tokens but received Float32Array(8 bytes).',
    ],
    [
      'unknown logits',
      (m) => m.forward([1], { logits: 'some' as never }),
      "Expected 'all' or 'last' for logits but received some.",
    ],
    [
      'an empty continuation',
      (m) => m.score([1], []),
      'Expected at least one token for continuation but received none.',
    ],
    [
      'text without a tokenizer',
      (m) => m.score('a', 'b'),
      'has no tokenizer.json. Pass token ids, or load the model with the option tokenizer',
    ],
    [
      'generation from nothing',
      (m) => m.generate([]).next(),
      'Expected at least one token for tokens but received none.',
    ],
    [
      'a negative number of tokens',
      (m) => m.generate([1], { maxNewTokens: -1 }).next(),
      'Expected a whole number of at least 0 for maxNewTokens but received -1.',
    ],
    [
      'stop strings without a tokenizer',
      (m) => m.generate([1], { stop: ['x'] }).next(),
      'has no tokenizer.json',
    ],
  ])('%s', async (_what, call, message) => {
    await expect(call(model)).rejects.toMatchObject({ name: 'SkipscanError', code: 'ERR_ARGUMENT' });
    await expect(call(model)).rejects.toThrow(message);
  });
});

describe('loading', () => {
  test.each<[string, () => string, string, string]>([
    ['a missing folder', () => '/nonexistent/model', 'ERR_CHECKPOINT', 'there is no such file or directory'],
    [
      'another architecture',
      () => withConfig('llama', { model_type: 'llama' }),
      'ERR_UNSUPPORTED',
      'model_type is "llama"; supported are "mamba" and "mamba2".',
    ],
    [
      'another activation',
      () => withConfig('act', { hidden_act: 'gelu' }),
      'ERR_UNSUPPORTED',
      'hidden_act is "gelu"; supported is "silu" or "swish".',
    ],
    [
      'a config of something else',
      () => files.writeAll('odd', { ...good, 'config.json': '{"a": 1}' }),
      'ERR_UNSUPPORTED',
      'found neither "model_type" (Hugging Face) nor "d_model" and "n_layer" (state-spaces)',
    ],
    [
      'a size that is no size',
      () => withConfig('size', { hidden_size: -8 }),
      'ERR_CHECKPOINT',
      'expected a whole number from 1 to 262144 for hidden_size but found -8.',
    ],
    [
      'fewer layers than weights',
      () => withConfig('layers', { num_hidden_layers: 0 }),
      'ERR_CHECKPOINT',
      'for num_hidden_layers but found 0.',
    ],
    [
      'more layers than weights',
      () => withConfig('more', { num_hidden_layers: 2 }),
      'ERR_CHECKPOINT',
      'it lacks backbone.layers.1.norm.weight, backbone.layers.1.mixer.in_proj.weight',
    ],
    [
      'an untied head that is not there',
      () => withConfig('head', { tie_word_embeddings: false }),
      'ERR_CHECKPOINT',
      'it lacks lm_head.weight',
    ],
    [
      'another vocabulary',
      () => withConfig('vocab', { vocab_size: 24 }),
      'ERR_CHECKPOINT',
      'backbone.embeddings.weight has shape [20, 8] but config.json asks for [24, 8].',
    ],
    [
      'a tensor too many',
      () => withExtra('backbone.layers.0.mixer.extra'),
      'ERR_CHECKPOINT',
      'it has backbone.layers.0.mixer.extra, for which the model has no place',
    ],
    [
      'weights that are not numbers',
      () => withNaN(),
      'ERR_CHECKPOINT',
      'backbone.norm_f.weight (element 3) is not a finite number.',
    ],
    [
      'a matrix that is not finite',
      () => withInfiniteMatrix(),
      'ERR_CHECKPOINT',
      'backbone.layers.0.mixer.out_proj.weight[2, 5] is not a finite number.',
    ],
  ])('%s', async (_what, source, code, message) => {
    const loading = loadModel(source());
    await expect(loading).rejects.toMatchObject({ name: 'SkipscanError', code });
    await expect(loading).rejects.toThrow(message);
  });

  test.each<[string, object, string]>([
    ['threads', { threads: 0 }, 'Expected a whole number from 1 to 1024 for threads but received 0.'],
    ['dtype', { dtype: 'f64' }, `Expected 'f32', 'bf16', 'f16' or 'i8' for dtype but received "f64".`],
    ['gatedNorm', { gatedNorm: 'half' }, `Expected 'whole' or 'grouped' for gatedNorm but received "half".`],
    ['device', { device: 'tpu' }, 'for device but received "tpu".'],
  ])('a bad option: %s', async (_what, options, message) => {
    await expect(loadModel(files.path, options as never)).rejects.toThrow(message);
  });

  test('a device that is not there says why', async () => {
    await expect(loadModel(files.path, { device: 'cuda:99' })).rejects.toMatchObject({
      code: 'ERR_DEVICE',
    });
  });

  test('a weight that the wanted dtype cannot hold', async () => {
    const folder = changed('large', (tensors) =>
      setElement(tensors['backbone.layers.0.mixer.out_proj.weight'], 3, 70000),
    );
    await expect(loadModel(folder, { dtype: 'f16' })).rejects.toThrow(
      "backbone.layers.0.mixer.out_proj.weight[0, 3] is 70000.000000, more than f16 can hold. Load the model with dtype 'f32'.",
    );
    await (await loadModel(folder)).dispose();
  });

  test('an abort stops it, before and in between', async () => {
    const reason = new Error('enough');
    const folder = files.writeAll('aborted', good);
    await expect(loadModel(folder, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const onProgress = () => abort.abort(reason);
    await expect(loadModel(folder, { signal: abort.signal, onProgress })).rejects.toBe(reason);
  });

  test('progress counts bytes up to the total', async () => {
    const seen: [number, number][] = [];
    await using model = await loadModel(files.writeAll('progress', good), {
      onProgress: (done, total) => seen.push([done, total]),
    });
    const total = 4 * model.parameterCount;
    expect(seen.at(-1)).toEqual([total, total]);
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b));
  });
});

test('scores that are not numbers are an error that names the layer, never a choice', async () => {
  const folder = changed('overflow', (tensors) => {
    const weight = tensors['backbone.layers.0.mixer.in_proj.weight'];
    for (let i = 0; i < weight.data.byteLength / 4; i += 1) setElement(weight, i, 3e38);
  });
  await using model = await loadModel(folder);
  const tokens = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const reduction of [prune({ layers: [0], keep: 0.5 }), merge({ layers: [0], keep: 0.5 })]) {
    const reading = model.forward(tokens, { reduction });
    await expect(reading).rejects.toMatchObject({ code: 'ERR_NATIVE' });
    await expect(reading).rejects.toThrow(/^After layer 0: Expected finite (scores|features) but row 0 has /);
  }
  const { positions } = await model.forward(tokens, { reduction: recent({ layers: [0], keep: 0.5 }) });
  expect(positions).toHaveLength(4); // needs no score
});

/** The good weights with some changed. */
function changed(name: string, change: (tensors: ReturnType<typeof parse>) => void): string {
  const tensors = parse(good['model.safetensors'] as Buffer);
  change(tensors);
  return files.writeAll(name, { ...good, 'model.safetensors': safetensorsFile(tensors) });
}

function parse(file: Buffer) {
  const length = Number(file.readBigUInt64LE());
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(file.subarray(8, 8 + length).toString());
  const data = file.subarray(8 + length);
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [begin, end],
          },
        ]) => [name, { dtype, shape, data: new Uint8Array(data.subarray(begin, end)) }],
      ),
  );
}

function setElement(tensor: { data: Uint8Array }, index: number, value: number): void {
  new DataView(tensor.data.buffer, tensor.data.byteOffset).setFloat32(4 * index, value, true);
}

const withExtra = (name: string) =>
  changed('extra', (tensors) => Object.assign(tensors, { [name]: f32([2], [1, 2]) }));
const withNaN = () =>
  changed('nan', (tensors) => setElement(tensors['backbone.norm_f.weight'], 3, Number.NaN));
const withInfiniteMatrix = () =>
  changed('inf', (tensors) =>
    setElement(tensors['backbone.layers.0.mixer.out_proj.weight'], 2 * 16 + 5, Number.POSITIVE_INFINITY),
  );
