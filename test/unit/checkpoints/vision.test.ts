import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, openVisionCheckpoint, type TensorEntry } from '../../../lib/checkpoints';
import { HubServer } from '../../helpers/hub-server';
import { reference } from '../../helpers/reference';
import { checkpointError } from '../../helpers/rejection';
import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';
import { pickle, stateDictPickle, tensorPickle, torchFile } from '../../helpers/torch-file';

const temporary = new TemporaryDirectory();
const { call, dict, global, integer, text, tuple } = pickle;

/** `{ object with attributes }`, as pickle's BUILD sets them. */
const withState = (object: Buffer, state: Buffer) => Buffer.concat([object, state, Buffer.from('b')]);
const orderedDict = (...items: [Buffer, Buffer][]) =>
  Buffer.concat([
    call(global('collections', 'OrderedDict')),
    Buffer.from('('),
    ...items.flat(),
    Buffer.from('u'),
  ]);

const storages = { good: floats(1, 2), bad: floats(7, 8) };
const good = { key: 'good', count: 2, shape: [2] };
const bad = { key: 'bad', count: 2, shape: [2] };
/** A state dict as `module.state_dict()` makes it, with the attribute `_metadata`. */
const stateDict = (...tensors: [name: string, tensor: typeof good][]) =>
  withState(
    orderedDict(...tensors.map(([name, tensor]): [Buffer, Buffer] => [text(name), tensorPickle(tensor)])),
    dict([text('_metadata'), orderedDict([text(''), dict([text('version'), integer(1)])])]),
  );
const namespace = withState(
  call(global('argparse', 'Namespace')),
  dict(
    [text('model'), text('vim_tiny')],
    [text('lr'), integer(5)],
    [text('betas'), tuple(integer(1), integer(2))],
  ),
);
/** Momentum in another order of axes, as cuDNN likes to have it. */
const strided = tensorPickle({ ...bad, shape: [2, 1, 1], strides: [1, 2, 2] });
const transposed = tensorPickle({ key: 'square', count: 4, shape: [2, 2], strides: [1, 2] });

function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

async function valuesOf({
  tensors,
}: {
  tensors: Map<string, TensorEntry>;
}): Promise<Record<string, number[]>> {
  return Object.fromEntries(
    [...tensors].map(([name, { file, offset, byteLength }]) => {
      const bytes = readFileSync(file).subarray(offset, offset + byteLength);
      return [name, Array.from({ length: byteLength / 4 }, (_, i) => bytes.readFloatLE(4 * i))];
    }),
  );
}

describe('checkpoints as the authors publish them', () => {
  const square = { ...storages, square: floats(1, 2, 3, 4) };
  test.each<[string, Buffer, Record<string, number[]>]>([
    ['the model alone', dict([text('model'), stateDict(['a', good])]), { a: [1, 2] }],
    [
      "a ViM trainer's: the model, not its average",
      dict(
        [text('model'), stateDict(['a', good])],
        [
          text('optimizer'),
          dict([
            text('state'),
            dict([integer(0), dict([text('exp_avg'), transposed], [text('x'), strided])]),
          ]),
        ],
        [text('lr_scheduler'), dict([text('warmup_t'), integer(5)])],
        [text('epoch'), integer(299)],
        [text('model_ema'), stateDict(['a', bad])],
        [text('scaler'), text('none')],
        [text('args'), namespace],
      ),
      { a: [1, 2] },
    ],
    [
      "an mmcls trainer's, averages by the side",
      dict(
        [text('meta'), dict([text('epoch'), integer(300)], [text('CLASSES'), tuple(text('tench'))])],
        [text('state_dict'), stateDict(['backbone.a', good], ['ema_backbone_a', bad])],
        [text('optimizer'), dict([text('state'), dict()])],
      ),
      { 'backbone.a': [1, 2], ema_backbone_a: [7, 8] }, // which of them a model has use for is not decided here
    ],
    ['a state dict itself', stateDict(['a', good]), { a: [1, 2] }],
  ])('%s', async (_, object, expected) => {
    const file = temporary.write('one.pth', torchFile(object, square));
    const { manifest, weightsFile, config, labelsFile } = await openVisionCheckpoint(file);
    expect(await valuesOf(manifest)).toEqual(expected);
    expect([manifest.format, weightsFile, config, labelsFile]).toEqual(['torch', file, undefined, undefined]);
  });

  test('a weight in another order of axes is refused by name', async () => {
    const object = dict([text('model'), dict([text('conv.weight'), transposed])]);
    const file = temporary.write('strided.pth', torchFile(object, square));
    expect(await checkpointError(openVisionCheckpoint(file))).toContain(
      '"conv.weight": a tensor f32 [2, 2] has the strides [1, 2]; only contiguous tensors are read.',
    );
  });
});

describe('a folder', () => {
  const weights = torchFile(stateDictPickle({ a: good }), storages);
  const safetensors = safetensorsFile({ safe: f32([1], [1]) });
  const namesOf = async (source: string, file?: string) => [
    ...(await openVisionCheckpoint(source, { file })).manifest.tensors.keys(),
  ];

  test.each<[string, Record<string, string | Uint8Array>, string[]]>([
    ['one .pth of any name', { 'checkpoint_full.pth': weights, 'README.md': '' }, ['a']],
    ['a .pth before other weights', { 'l1.pth': weights, 'golden.safetensors': safetensors }, ['a']],
    ['one .safetensors of any name', { 'l1.safetensors': safetensors }, ['safe']],
    [
      'the usual name before all',
      { 'a.pth': weights, 'b.pth': weights, 'model.safetensors': safetensors },
      ['safe'],
    ],
  ])('%s', async (name, files, expected) => {
    expect(await namesOf(temporary.writeAll(name, files))).toEqual(expected);
  });

  test('of several files one is named', async () => {
    const folder = temporary.writeAll('several', {
      'l1.pth': weights,
      'l2.pth': weights,
      'x.safetensors': safetensors,
    });
    expect(await checkpointError(openVisionCheckpoint(folder))).toBe(
      `${folder}: there are 2 files that can be the weights: l1.pth, l2.pth. Choose one with the option file.`,
    );
    expect(await namesOf(folder, 'l2.pth')).toEqual(['a']);
    expect(await namesOf(folder, 'x.safetensors')).toEqual(['safe']);
    expect(await namesOf(join(folder, 'l1.pth'))).toEqual(['a']);
    expect(await checkpointError(openVisionCheckpoint(folder, { file: 'l3.pth' }))).toBe(
      `${folder}: the folder has no l3.pth. The folder holds l1.pth, l2.pth, x.safetensors.`,
    );
  });

  test('without weights', async () => {
    const folder = temporary.writeAll('nothing', { 'config.json': '{}' });
    expect(await checkpointError(openVisionCheckpoint(folder))).toBe(
      `${folder}: the folder has no weights that can be read (model.safetensors, model.safetensors.index.json, ` +
        'pytorch_model.bin, pytorch_model.bin.index.json, or a single .pth of any name). The folder holds config.json.',
    );
  });

  test('config and labels are read where they are', async () => {
    const folder = temporary.writeAll('full', {
      'x.pth': weights,
      'config.json': '{"embed_dim": 8}',
      'labels.json': '[]',
      'labels.txt': '',
    });
    expect(await openVisionCheckpoint(folder)).toMatchObject({
      config: { embed_dim: 8 },
      configFile: join(folder, 'config.json'),
      labelsFile: join(folder, 'labels.txt'),
    });
  });

  test.each<[unknown]>([['../x.pth'], ['folder/x.pth'], ['x.txt'], [''], [5]])(
    'the file %p is refused',
    async (file) => {
      await expect(openVisionCheckpoint(temporary.path, { file: file as string })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining(
          'Expected the name of a weights file (.pth, .pt, .bin, .safetensors), without folders,',
        ),
      });
    },
  );

  test('a file and another file are refused', async () => {
    const file = temporary.write('single/x.pth', weights);
    expect(await namesOf(file, 'x.pth')).toEqual(['a']);
    await expect(openVisionCheckpoint(file, { file: 'y.pth' })).rejects.toThrow(
      `Expected no other file than the source ${file} for file but received "y.pth".`,
    );
  });
});

describe('where a language model is expected', () => {
  const vision = torchFile(stateDictPickle({ 'patch_embed.proj.weight': good }), storages);

  test('a vision model is pointed to its function', async () => {
    const folder = temporary.writeAll('vision', { 'checkpoint.pth': vision });
    expect(await checkpointError(openCheckpoint(join(folder, 'checkpoint.pth')))).toBe(
      `${folder}: checkpoint.pth holds a vision model. Load it with loadVisionModel().`,
    );
    expect(await checkpointError(openCheckpoint(folder))).toContain(
      'pytorch_model.bin.index.json; those of a vision model are loaded with loadVisionModel(). The folder holds checkpoint.pth.',
    );
  });
});

describe('a repository of the hub', () => {
  const weights = (name: string) => torchFile(stateDictPickle({ [name]: good }), storages);
  let server: HubServer;
  let cacheDir: string;
  const environment = { ...process.env };

  beforeAll(async () => {
    server = await HubServer.start({
      'org/vim': {
        files: { 'README.md': Buffer.from(''), 'labels.txt': Buffer.from('a\nb\n') },
        lfs: { 'vim_t_midclstok.pth': weights('tiny') },
      },
      'org/sizes': { files: {}, lfs: { 'l1.pth': weights('one'), 'l2.pth': weights('two') } },
    });
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    cacheDir = join(temporary.path, randomBytes(4).toString('hex'));
    server.requests.length = 0;
    delete process.env.HF_HUB_OFFLINE;
    process.env.HF_ENDPOINT = server.url;
  });
  afterEach(() => {
    process.env = { ...environment };
  });
  const open = async (source: string, file?: string) => {
    const { manifest, labelsFile } = await openVisionCheckpoint(source, { cacheDir, file });
    return { names: [...manifest.tensors.keys()], labelsFile };
  };

  test('with one .pth is downloaded, with its labels, once', async () => {
    const first = await open('org/vim');
    expect(first.names).toEqual(['tiny']);
    expect(readFileSync(first.labelsFile!, 'utf8')).toBe('a\nb\n');
    expect(server.requests.some((request) => request.endsWith('README.md'))).toBe(false);
    server.requests.length = 0;
    expect(await open('org/vim')).toEqual(first);
    expect(server.requests).toEqual([]);
  });

  test('with several is an error, unless one is named', async () => {
    expect(await checkpointError(open('org/sizes'))).toBe(
      'org/sizes: there are 2 files that can be the weights: l1.pth, l2.pth. Choose one with the option file.',
    );
    expect((await open('org/sizes', 'l2.pth')).names).toEqual(['two']);
    server.requests.length = 0;
    expect((await open('org/sizes', 'l2.pth')).names).toEqual(['two']);
    expect(server.requests).toEqual([]);
    // That l2.pth is all there is was never seen: the server is asked again.
    expect(await checkpointError(open('org/sizes'))).toContain('there are 2 files');
    expect(await checkpointError(open('org/sizes', 'l3.pth'))).toBe(
      'org/sizes: the repository has no l3.pth. Its files: l1.pth, l2.pth.',
    );
  });

  test('is refused where a language model is expected, with the function that it is for', async () => {
    expect(await checkpointError(openCheckpoint('org/vim', { cacheDir }))).toBe(
      'org/vim: the repository has no weights that can be read (model.safetensors, model.safetensors.index.json, ' +
        'pytorch_model.bin, pytorch_model.bin.index.json); those of a vision model are loaded with loadVisionModel(). ' +
        'Its files: README.md, labels.txt, vim_t_midclstok.pth.',
    );
  });
});

const folder = reference('vision');
(folder ? describe : describe.skip)('the checkpoints of the reference', () => {
  test.each([
    ['vim/checkpoint_full.pth', 'vim'],
    ['plainmamba/checkpoint.pth', 'plainmamba'],
    ['plainmamba/checkpoint_with_ema.pth', 'plainmamba'],
  ])('%s holds the weights', async (file, model) => {
    const { manifest } = await openVisionCheckpoint(`${folder}/${file}`);
    const expected = await openVisionCheckpoint(`${folder}/${model}/model.safetensors`);
    const bytesOf = (entry: TensorEntry) =>
      readFileSync(entry.file).subarray(entry.offset, entry.offset + entry.byteLength);
    expect(expected.manifest.tensors.size).toBeGreaterThan(70);
    for (const [name, entry] of expected.manifest.tensors) {
      const found = manifest.tensors.get(name);
      expect([name, found?.shape, found?.dtype]).toEqual([name, entry.shape, entry.dtype]);
      expect(bytesOf(found!).equals(bytesOf(entry))).toBe(true);
    }
    const others = [...manifest.tensors.keys()].filter((name) => !expected.manifest.tensors.has(name));
    expect(others.every((name) => /^ema_|num_batches_tracked$/.test(name))).toBe(true);
    expect(others.some((name) => name.startsWith('ema_'))).toBe(file.includes('with_ema'));
  });
});
