import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PickleObject } from '../../../lib/checkpoints/pickle';
import { readTorch, readTorchIndex, readTorchObject } from '../../../lib/checkpoints/torch';
import { TorchTensor } from '../../../lib/checkpoints/torch-pickle';
import type { TensorEntry } from '../../../lib/checkpoints/types';
import { fixture } from '../../helpers/reference';
import { checkpointError } from '../../helpers/rejection';
import { TemporaryDirectory } from '../../helpers/temporary';
import { pickle, stateDictPickle, tensorPickle, torchFile } from '../../helpers/torch-file';
import { zipFile } from '../../helpers/zip-file';

const temporary = new TemporaryDirectory();
const written = (contents: Uint8Array) => temporary.write('written.bin', contents);
const four = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const pair = { key: '0', count: 4, shape: [2, 2] };

async function bytesOf({ file, offset, byteLength }: TensorEntry): Promise<Buffer> {
  const handle = await open(file);
  try {
    return (await handle.read(Buffer.alloc(byteLength), 0, byteLength, offset)).buffer;
  } finally {
    await handle.close();
  }
}

async function floatsOf(entry: TensorEntry | undefined): Promise<number[]> {
  const bytes = await bytesOf(entry!);
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

describe('files written by PyTorch', () => {
  test.each([2, 3, 4, 5])('a state dict with tied tensors, pickle protocol %d', async (protocol) => {
    const file = fixture(`torch/protocol${protocol}.pth`);
    const tensors = await readTorch(file);
    expect([...tensors.keys()]).toEqual(['first', 'second', 'bias']);
    expect(tensors.get('first')).toEqual(tensors.get('second'));
    expect(tensors.get('first')).toMatchObject({ file, byteLength: 24, dtype: 'f32', shape: [2, 3] });
    expect(await floatsOf(tensors.get('first'))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await floatsOf(tensors.get('bias'))).toEqual([0.5, -0.5]);
  });

  test('every dtype, views into a storage, scalars and empty tensors', async () => {
    const tensors = await readTorch(fixture('torch/dtypes.pth'));
    expect(await floatsOf(tensors.get('slice'))).toEqual(Array.from({ length: 12 }, (_, i) => i + 4));
    expect(await floatsOf(tensors.get('last'))).toEqual([23]);
    expect(tensors.get('scalar')).toMatchObject({ dtype: 'i64', shape: [], byteLength: 8 });
    expect((await bytesOf(tensors.get('scalar')!)).readBigInt64LE()).toBe(7n);
    expect(tensors.get('empty')).toMatchObject({ shape: [0, 3], byteLength: 0 });
    expect(tensors.get('row')).toMatchObject({ shape: [1, 4], byteLength: 16 });
    const hex = async (name: string) => {
      expect(tensors.get(name)).toMatchObject({ dtype: name, shape: [2] });
      return (await bytesOf(tensors.get(name)!)).toString('hex');
    };
    expect(await hex('f64')).toBe('000000000000f83f0000000000000440');
    expect(await hex('f16')).toBe('003e0041');
    expect(await hex('bf16')).toBe('c03f2040');
    expect(await hex('i32')).toBe('ffffffff02000000');
    expect(await hex('i16')).toBe('ffff0200');
    expect(await hex('i8')).toBe('ff02');
    expect(await hex('u8')).toBe('0102');
    expect(await hex('bool')).toBe('0100');
  });

  test.each(['training', 'lightning'])('a state dict inside another dict: %s', async (name) => {
    const tensors = await readTorch(fixture(`torch/${name}.pth`));
    const [first] = tensors.values();
    expect(await floatsOf(first)).toEqual(name === 'training' ? [1, 1, 1, 1] : [0, 1, 2, 3, 4, 5]);
  });

  test('what else is in the file, as inert data', async () => {
    const saved = (await readTorchObject(fixture('torch/training.pth'))) as Map<string, unknown>;
    const model = saved.get('model') as Map<string, unknown>;
    expect(model.get('weight')).toBeInstanceOf(TorchTensor);
    expect([saved.get('epoch'), saved.get('rate'), saved.get('best')]).toEqual([3, 1e-3, null]);
    expect(saved.get('history')).toEqual([1, [2, 3], new Map([['loss', -70000]])]);
    const args = saved.get('args') as PickleObject;
    expect(args).toBeInstanceOf(PickleObject);
    expect(args.className).toBe('argparse.Namespace');
    expect([...args.attributes]).toEqual([
      ['name', 'vim'],
      ['depth', 24],
      ['large', 2n ** 70n],
      ['betas', [0.9, 0.95]],
      ['ema', false],
    ]);
  });

  test.each([
    [
      'strided',
      'a tensor f32 [6, 4] has the strides [1, 6]; only contiguous tensors are read. Save it again with .contiguous()',
    ],
    [
      'module',
      'it asks for "torch.nn.modules.linear.Linear", which is not among the few names a state dict needs. Nothing was executed.',
    ],
    [
      'legacy',
      'this is a file of torch.save before PyTorch 1.6 (or with _use_new_zipfile_serialization=False)',
    ],
    [
      'script',
      'linear.py" is compressed (method 8); torch.save stores its entries as they are. This is a TorchScript module',
    ],
  ])('refuses %s.pth', async (name, message) => {
    expect(await checkpointError(readTorch(fixture(`torch/${name}.pth`)))).toContain(message);
  });

  test('no file can be cut anywhere without being noticed', async () => {
    const whole = await bytesOf({
      file: fixture('torch/protocol2.pth'),
      offset: 0,
      byteLength: 1007,
    } as TensorEntry);
    for (let length = 0; length < whole.length; length += 13) {
      await checkpointError(readTorch(written(whole.subarray(0, length))));
    }
    expect(await checkpointError(readTorch(written(whole.subarray(0, 900))))).toContain(
      'the file is truncated',
    );
  });
});

describe('the archive', () => {
  test.each(['archive/', 'pytorch_model/', 'a b/', ''])('has any folder: "%s"', async (prefix) => {
    const tensors = await readTorch(
      written(torchFile(stateDictPickle({ a: pair }), { 0: four }, { prefix })),
    );
    expect(await floatsOf(tensors.get('a'))).toEqual([1, 2, 3, 4]);
  });

  test('may be zip64, and may have a comment', async () => {
    const options = { zip64: true, comment: 'PK\x05\x06 looks like an end record'.padEnd(60) };
    const tensors = await readTorch(written(torchFile(stateDictPickle({ a: pair }), { 0: four }, options)));
    expect(await floatsOf(tensors.get('a'))).toEqual([1, 2, 3, 4]);
  });

  test('may exceed 4 GiB', async () => {
    const count = 2 ** 30 + 4;
    const object = stateDictPickle({
      big: { key: '0', count, shape: [count] },
      after: { ...pair, key: '1' },
    });
    const claims = { size: 4 * count, stored: 4 * count };
    const entries = [
      { name: 'x/data.pkl', data: pickle.document(object) },
      { name: 'x/data/0', data: Buffer.alloc(0), claims },
    ];
    // The bytes of the large storage are a hole in the file: written are what lies before and after it.
    const before = zipFile(entries, { zip64: true });
    const dataStart = before.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
    const last = { name: 'x/data/1', data: four };
    const tail = zipFile([last]);
    const tailData = tail.subarray(0, tail.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02])));
    const lastStart = dataStart + 4 * count;
    const all = zipFile([...entries, { ...last, claims: { start: lastStart } }], {
      zip64: true,
      claims: { start: lastStart + tailData.length },
    });
    const directory = all.subarray(all.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02])));
    // The locator says where the zip64 end record is; everything before it moved.
    const locator = directory.indexOf(Buffer.from([0x50, 0x4b, 0x06, 0x07]));
    const record = directory.indexOf(Buffer.from([0x50, 0x4b, 0x06, 0x06]));
    directory.writeBigUInt64LE(BigInt(lastStart + tailData.length + record), locator + 8);

    const file = written(before.subarray(0, dataStart));
    truncateSync(file, lastStart);
    const handle = openSync(file, 'r+');
    writeSync(handle, tailData, 0, tailData.length, lastStart);
    writeSync(handle, directory, 0, directory.length, lastStart + tailData.length);
    closeSync(handle);

    const tensors = await readTorch(file);
    expect(tensors.get('big')).toEqual({
      file,
      offset: dataStart,
      byteLength: 4 * count,
      dtype: 'f32',
      shape: [count],
    });
    expect(await floatsOf(tensors.get('after'))).toEqual([1, 2, 3, 4]);
    truncateSync(file, 0);
  });

  const object = pickle.document(stateDictPickle({ a: pair }));
  const entries = { pickle: { name: 'x/data.pkl', data: object }, storage: { name: 'x/data/0', data: four } };
  const at = (name: string, claims: object, options = {}) =>
    zipFile(
      Object.values(entries).map((entry) => (entry.name === name ? { ...entry, claims } : entry)),
      options,
    );

  test.each([
    [
      'a compressed entry',
      at('x/data/0', { method: 8 }),
      'zip entry "x/data/0" is compressed (method 8); torch.save stores its entries as they are',
    ],
    ['a compressed entry of huge size', at('x/data/0', { method: 8, size: 4e9 }), 'is compressed (method 8)'],
    ['an encrypted entry', at('x/data/0', { flags: 1 }), 'zip entry "x/data/0" is encrypted'],
    [
      'a bomb',
      at('x/data/0', { size: 4e9 }),
      'zip entry "x/data/0" claims 4,000,000,000 bytes, 3,999,999,984 bytes more than there are',
    ],
    [
      'a bomb in zip64',
      at('x/data/0', { size: 2 ** 52 }, { zip64: true }),
      'zip entry "x/data/0" claims 4,503,599,627,370,496 bytes',
    ],
    [
      'a size beyond 2^53',
      at('x/data/0', { size: 2 ** 60 }, { zip64: true }),
      'zip entry "x/data/0" has no possible size and place',
    ],
    [
      'two sizes',
      at('x/data/0', { size: 16, stored: 8 }),
      'zip entry "x/data/0" stores 8 bytes of 16; expected all',
    ],
    [
      'an entry before its place',
      at('x/data/0', { start: 1 }),
      'zip entry "x/data/0" overlaps zip entry "x/data.pkl"',
    ],
    ['two entries in one place', at('x/data/0', { start: 0 }), 'overlaps'],
    [
      'an entry beyond the file',
      at('x/data/0', { start: 1e6 }),
      'the file is truncated or corrupt: the header of zip entry "x/data/0"',
    ],
    [
      'an entry with another name',
      at('x/data/0', { name: 'x/data/1' }),
      'zip entry "x/data/1" is not where the zip directory says it is',
    ],
    ['a name twice', zipFile([entries.pickle, entries.pickle]), 'zip entry "x/data.pkl" occurs twice'],
    [
      'a pickle above the limit',
      zipFile([{ name: 'x/data.pkl', data: Buffer.alloc((64 << 20) + 1) }]),
      '"x/data.pkl" has 67,108,865 bytes; at most 67,108,864 bytes are read',
    ],
    [
      'a directory beyond the file',
      zipFile([entries.pickle], { claims: { start: 1e6 } }),
      'after its own end record',
    ],
    [
      'a directory of huge size',
      zipFile([entries.pickle], { claims: { size: 0xfffffff0 } }),
      'the zip directory claims 1 entries in 4,294,967,280 bytes',
    ],
    [
      'a directory of 2^53 entries',
      zipFile([entries.pickle], { zip64: true, claims: { count: 2 ** 53 } }),
      'the zip directory claims 9007199254740992 entries',
    ],
    [
      'more entries than the directory has',
      zipFile([entries.pickle], { claims: { count: 2 } }),
      'the zip directory is corrupt at entry 1',
    ],
    ['no pickle', zipFile([entries.storage]), 'expected one entry data.pkl in the zip archive, found 0'],
    [
      'two pickles',
      zipFile([entries.pickle, { ...entries.pickle, name: 'y/data.pkl' }]),
      'expected one entry data.pkl in the zip archive, found 2',
    ],
    [
      'an empty file',
      Buffer.alloc(0),
      'this is not a file of torch.save, which since PyTorch 1.6 is a zip archive',
    ],
    ['something else', Buffer.from('GGUF and more bytes'), 'this is not a file of torch.save'],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      'this is a Git LFS pointer, not the weights',
    ],
  ])('refuses %s', async (_what, contents, message) => {
    const error = await checkpointError(readTorch(written(contents)));
    expect(error).toContain('written.bin: ');
    expect(error).toContain(message);
  });

  test('uses the names of entries as keys only', async () => {
    const storages = { '../../../etc/passwd': four };
    const tensors = await readTorch(
      written(torchFile(stateDictPickle({ a: { ...pair, key: '../../../etc/passwd' } }), storages)),
    );
    expect(tensors.get('a')?.file).toBe(join(temporary.path, 'written.bin'));
    expect(await floatsOf(tensors.get('a'))).toEqual([1, 2, 3, 4]);
  });

  test('must be little-endian', async () => {
    const file = written(torchFile(stateDictPickle({ a: pair }), { 0: four }, { byteOrder: 'big' }));
    expect(await checkpointError(readTorch(file))).toContain(
      'the byte order of the tensors is "big"; expected "little"',
    );
  });

  test('of a corrupt zip64 record is refused', async () => {
    const good = torchFile(stateDictPickle({ a: pair }), { 0: four }, { zip64: true });
    for (const signature of ['PK\x06\x06', 'PK\x06\x07']) {
      const bad = Buffer.from(good);
      bad[bad.lastIndexOf(signature)] = 0;
      expect(await checkpointError(readTorch(written(bad)))).toContain(
        'the zip64 end record is missing or corrupt',
      );
    }
  });
});

describe('the state dict', () => {
  const read = (object: Buffer) => readTorch(written(torchFile(object, { 0: four })));

  test.each([
    [
      'a storage that is too short',
      { ...pair, count: 8 },
      'the storage "0" is said to have 8 elements of f32, but 16 bytes are stored',
    ],
    [
      'a storage of 2^53 elements',
      { ...pair, count: 2 ** 53 - 1 },
      'elements of f32, but 16 bytes are stored',
    ],
    ['a storage that is not there', { ...pair, key: '7' }, 'the storage "7" is not in the file'],
    [
      'a storage of an unknown type',
      { ...pair, storageType: 'ComplexFloatStorage' },
      'it asks for "torch.ComplexFloatStorage"',
    ],
    [
      'a tensor that leaves its storage',
      { ...pair, start: 1 },
      'a tensor f32 [2, 2] from element 1 does not fit into its storage of 4 elements',
    ],
    [
      'a tensor larger than its storage',
      { ...pair, shape: [5] },
      'does not fit into its storage of 4 elements',
    ],
    ['a product beyond 2^53', { ...pair, shape: [2 ** 32, 2 ** 32] }, 'does not fit into its storage'],
    ['a negative size', { ...pair, shape: [-1] }, 'a tensor is malformed'],
    ['a negative start', { ...pair, start: -1 }, 'a tensor is malformed'],
    ['a start beyond 2^53', { ...pair, start: 2 ** 62 }, 'a tensor is malformed'],
    ['strides of another rank', { ...pair, strides: [1] }, 'a tensor is malformed'],
    ['an absurd rank', { ...pair, shape: Array(65).fill(1) }, 'a tensor is malformed'],
    ['turned axes', { ...pair, strides: [1, 2] }, 'has the strides [1, 2]; only contiguous tensors are read'],
    [
      'a repeated element',
      { ...pair, strides: [0, 0] },
      'has the strides [0, 0]; only contiguous tensors are read',
    ],
  ])('refuses %s', async (_what, tensor, message) => {
    expect(await checkpointError(read(stateDictPickle({ a: tensor })))).toContain(message);
  });

  const { call, dict, global, integer, none, persistent, text, tuple } = pickle;

  test.each([
    ['os.system', call(global('os', 'system'), text('touch executed'))],
    ['builtins.eval', call(global('builtins', 'eval'), text('1'))],
    ['builtins.getattr', global('builtins', 'getattr')],
    ['torch.load', global('torch', 'load')],
    ['collections.OrderedDict.__class__', global('collections', 'OrderedDict.__class__')],
    ['torch._utils._rebuild_tensor_v3', global('torch._utils', '_rebuild_tensor_v3')],
    ['__proto__.constructor', global('__proto__', 'constructor')],
  ])('refuses the global %s by name and executes nothing', async (name, operations) => {
    const error = await checkpointError(read(dict([text('a'), operations])));
    expect(error).toContain(`it asks for ${JSON.stringify(name)}, which is not among`);
    expect(error).toContain('Nothing was executed');
    expect(error).toContain('safetensors');
  });

  const storage = (...id: Buffer[]) => persistent(tuple(...id));
  const float = global('torch', 'FloatStorage');
  const rebuild = global('torch._utils', '_rebuild_tensor_v2');

  test.each([
    [
      'a called storage',
      call(float, integer(1)),
      'it calls torch.FloatStorage; a storage is only ever named',
    ],
    [
      'a filled OrderedDict',
      call(global('collections', 'OrderedDict'), integer(1)),
      'expected an OrderedDict to start empty',
    ],
    [
      'a storage of text',
      storage(text('storage'), text('FloatStorage'), text('0'), text('cpu'), integer(4)),
      'a reference to a storage is malformed',
    ],
    [
      'a storage without key',
      storage(text('storage'), float, none, text('cpu'), integer(4)),
      'a reference to a storage is malformed',
    ],
    ['another persistent id', persistent(text('module')), 'a reference to a storage is malformed'],
    ['a tensor of nothing', call(rebuild), 'a tensor is malformed'],
    [
      'a parameter of nothing',
      call(global('torch._utils', '_rebuild_parameter'), none),
      'a parameter is malformed',
    ],
    [
      'a call of data',
      Buffer.concat([text('f'), tuple(), Buffer.from('R')]),
      'expected a global and the tuple of its arguments',
    ],
    [
      'a call without tuple',
      Buffer.concat([rebuild, none, Buffer.from('R')]),
      'expected a global and the tuple of its arguments',
    ],
  ])('refuses %s', async (_what, operations, message) => {
    expect(await checkpointError(read(dict([text('a'), operations])))).toContain(message);
  });

  test.each([
    ['a list', Buffer.from(']'), 'no state dict was found: the saved object is an array of 0'],
    ['a tensor', tensorPickle(pair), 'no state dict was found: the saved object is a tensor'],
    ['an empty dict', pickle.emptyDict, 'no state dict was found: the saved object is an empty dict'],
    [
      'a dict of numbers',
      dict([text('epoch'), integer(3)]),
      'the saved object is a dict with the keys "epoch". Save model.state_dict()',
    ],
    ['None', none, 'no state dict was found: the saved object is None'],
    ['a global', float, 'no state dict was found: the saved object is the global torch.FloatStorage'],
    [
      'a tensor beside a number',
      dict([text('a'), tensorPickle(pair)], [text('b'), integer(3)]),
      'expected the state dict to map names to tensors, but "b" is 3',
    ],
    [
      'a tensor without name',
      dict([integer(1), tensorPickle(pair)]),
      'expected the state dict to map names to tensors, but 1 is a tensor',
    ],
  ])('is not %s', async (_what, operations, message) => {
    expect(await checkpointError(read(operations))).toContain(message);
  });

  test('takes __proto__ as the name of a tensor', async () => {
    expect((await read(stateDictPickle({ ['__proto__']: pair }))).get('__proto__')?.shape).toEqual([2, 2]);
  });

  test('may be in several files', async () => {
    const directory = temporary.writeAll('sharded', {
      'one.bin': torchFile(stateDictPickle({ a: pair }), { 0: four }),
      'two.bin': torchFile(stateDictPickle({ b: pair }), { 0: four }),
      'pytorch_model.bin.index.json': '{"weight_map": {"a": "one.bin", "b": "two.bin"}}',
    });
    const tensors = await readTorchIndex(join(directory, 'pytorch_model.bin.index.json'));
    expect([...tensors].map(([name, { file }]) => [name, file])).toEqual([
      ['a', join(directory, 'one.bin')],
      ['b', join(directory, 'two.bin')],
    ]);
  });
});
