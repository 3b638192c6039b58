import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, readSafetensorsIndex } from '../../../lib/checkpoints/safetensors';
import { checkpointError } from '../../helpers/rejection';
import { f32, safetensorsBytes, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';

const temporary = new TemporaryDirectory();

/** Reads a file whose header is `tensors` as JSON, followed by `dataBytes` bytes. */
function readHeader(tensors: unknown, dataBytes = 0) {
  const header = typeof tensors === 'string' ? tensors : JSON.stringify(tensors);
  return readSafetensors(
    temporary.write('header.safetensors', safetensorsBytes(header, Buffer.alloc(dataBytes))),
  );
}

function tensor(begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') {
  return { dtype, shape, data_offsets: [begin, end] };
}

describe('readSafetensors', () => {
  test('says where each tensor lies', async () => {
    const contents = safetensorsFile({
      weight: f32([2, 3], [1, 2, 3, 4, 5, 6]),
      scalar: f32([], [7]),
      empty: f32([0, 5], []),
      half: { dtype: 'BF16', shape: [3], data: Buffer.alloc(6) },
      index: { dtype: 'I64', shape: [1], data: Buffer.alloc(8) },
    });
    const file = temporary.write('good.safetensors', contents);
    const tensors = await readSafetensors(file);
    const start = contents.length - 42;
    expect([...tensors]).toEqual([
      ['weight', { file, offset: start, byteLength: 24, dtype: 'f32', shape: [2, 3] }],
      ['scalar', { file, offset: start + 24, byteLength: 4, dtype: 'f32', shape: [] }],
      ['empty', { file, offset: start + 28, byteLength: 0, dtype: 'f32', shape: [0, 5] }],
      ['half', { file, offset: start + 28, byteLength: 6, dtype: 'bf16', shape: [3] }],
      ['index', { file, offset: start + 34, byteLength: 8, dtype: 'i64', shape: [1] }],
    ]);
  });

  test('takes the tensors of the header in any order, padded with spaces', async () => {
    const tensors = await readHeader(`${JSON.stringify({ b: tensor(8, 12), a: tensor(0, 8) })}   `, 12);
    expect([...tensors.keys()]).toEqual(['b', 'a']);
  });

  test('takes __proto__ as the name of a tensor', async () => {
    const tensors = await readHeader(
      '{"__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
      4,
    );
    expect(tensors.get('__proto__')?.byteLength).toBe(4);
  });

  const twice = `{"a": ${JSON.stringify(tensor(0, 4))}, "a": ${JSON.stringify(tensor(0, 4))}}`;
  const cases: [what: string, header: unknown, dataBytes: number, message: string][] = [
    [
      'overlapping tensors',
      { a: tensor(0, 8), b: tensor(4, 12) },
      12,
      'tensor "b" overlaps tensor "a" by 4 bytes',
    ],
    [
      'one range for two tensors',
      { a: tensor(0, 8), b: tensor(0, 8) },
      8,
      'tensor "b" overlaps tensor "a" by 8 bytes',
    ],
    [
      'a gap',
      { a: tensor(0, 4), b: tensor(8, 12) },
      12,
      'no tensor claims the 4 bytes between tensor "a" and tensor "b"',
    ],
    [
      'a gap at the start',
      { a: tensor(4, 8) },
      8,
      'no tensor claims the 4 bytes between the header and tensor "a"',
    ],
    ['bytes at the end', { a: tensor(0, 4) }, 5, 'no tensor claims the 1 byte after tensor "a"'],
    ['missing bytes', { a: tensor(0, 4000) }, 1000, '(3,000 bytes missing). Download it again.'],
    ['a repeated name', twice, 4, 'the safetensors header is not valid JSON: the key "a" occurs twice'],
    [
      'a shape that does not fit',
      { a: tensor(0, 8, [3]) },
      8,
      'f32 [3] needs 12 bytes, but its data_offsets span 8',
    ],
    [
      'a product beyond 2^53',
      { a: tensor(0, 8, [2 ** 31, 2 ** 31, 2 ** 31]) },
      8,
      'needs more than 2^53 bytes, but its data_offsets span 8',
    ],
    ['a product that wraps to 0', { a: tensor(0, 0, [2 ** 32, 2 ** 32]) }, 0, 'needs more than 2^53 bytes'],
    ['a negative size', { a: tensor(0, 4, [-1]) }, 4, '"shape" must be an array of non-negative integers'],
    ['a fractional size', { a: tensor(0, 4, [0.5]) }, 4, '"shape" must be an array of non-negative integers'],
    [
      'an infinite size',
      '{"a": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}}',
      4,
      '"shape" must be',
    ],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4, '"shape" must be'],
    [
      'an inverted range',
      { a: tensor(8, 4, [1]) },
      8,
      '"data_offsets" must be [begin, end] with begin <= end',
    ],
    ['a huge offset', { a: tensor(0, 1e30, [1]) }, 8, '"data_offsets" must be [begin, end]'],
    ['half a range', { a: { ...tensor(0, 4), data_offsets: [4] } }, 4, 'found an array of 1'],
    [
      'an unknown dtype',
      { a: tensor(0, 4, [1], 'F33') },
      4,
      'unknown dtype "F33"; known are F64, F32, F16, BF16',
    ],
    ['no dtype', { a: { shape: [1], data_offsets: [0, 4] } }, 4, 'unknown dtype undefined'],
    ['a tensor that is no object', { a: 5 }, 0, 'tensor "a": expected an object in the header, found 5'],
    ['a header that is no object', [1], 0, 'the safetensors header holds an array; expected a JSON object'],
    ['a header that is no JSON', '{"a": ', 0, 'the safetensors header is not valid JSON: expected a value'],
  ];

  test.each(cases)('refuses %s', async (_what, header, dataBytes, message) => {
    const error = await checkpointError(readHeader(header, dataBytes));
    expect(error).toContain('header.safetensors: ');
    expect(error).toContain(message);
  });

  test.each([
    ['an empty file', Buffer.alloc(0), 'the header length should end at byte 8, but the file has 0 bytes'],
    [
      'a header cut short',
      safetensorsBytes('{}', Buffer.alloc(0), 1000n),
      'the header should end at byte 1008, but the file has 10 bytes (998 bytes missing)',
    ],
    [
      'an absurd header length',
      safetensorsBytes('{}', Buffer.alloc(0), 2n ** 64n - 1n),
      'its header has 18446744073709551615 bytes, more than the 100000000 that safetensors allows',
    ],
    [
      'a header length above the limit',
      safetensorsBytes('{}', Buffer.alloc(0), 100_000_001n),
      'more than the 100000000 that safetensors allows',
    ],
    [
      'a header that is not UTF-8',
      safetensorsBytes(Buffer.from('{"\xff": 1}', 'latin1')),
      'the safetensors header is not valid JSON: it is not UTF-8 text',
    ],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
      'this is a Git LFS pointer, not the weights. Run `git lfs pull`',
    ],
    ['random text', Buffer.from('<!DOCTYPE html><html></html>'), 'It is corrupt or not a safetensors file.'],
  ])('refuses %s', async (_what, contents, message) => {
    expect(await checkpointError(readSafetensors(temporary.write('raw.safetensors', contents)))).toContain(
      message,
    );
  });

  test('refuses what is not a regular file, without waiting for it', async () => {
    expect(await checkpointError(readSafetensors(temporary.path))).toContain('expected a file');
    const pipe = join(temporary.path, 'pipe.safetensors');
    execFileSync('mkfifo', [pipe]);
    expect(await checkpointError(readSafetensors(pipe))).toContain('expected a file');
  });
});

describe('readSafetensorsIndex', () => {
  const first = safetensorsFile({ a: f32([1], [1]), b: f32([1], [2]) });
  const second = safetensorsFile({ c: f32([1], [3]), unlisted: f32([1], [4]) });

  function readIndex(index: unknown) {
    const directory = temporary.writeAll('sharded', { 'one.safetensors': first, 'two.safetensors': second });
    const indexFile = join(directory, 'model.safetensors.index.json');
    writeFileSync(indexFile, typeof index === 'string' ? index : JSON.stringify(index));
    return readSafetensorsIndex(indexFile);
  }

  test('finds each tensor in its shard, and only those listed', async () => {
    const tensors = await readIndex({
      metadata: { total_size: 12 },
      weight_map: { c: 'two.safetensors', a: 'one.safetensors', b: 'one.safetensors' },
    });
    expect([...tensors.keys()]).toEqual(['c', 'a', 'b']);
    expect(tensors.get('c')?.file).toBe(join(temporary.path, 'sharded', 'two.safetensors'));
    expect(tensors.get('b')?.offset).toBe(first.length - 4);
  });

  test.each([
    [
      'missing shards',
      { weight_map: { a: 'one.safetensors', x: 'three.safetensors', y: 'four.safetensors' } },
      '2 of the files it names are missing: three.safetensors, four.safetensors. Download them',
    ],
    [
      'a tensor its shard lacks',
      { weight_map: { c: 'one.safetensors' } },
      'tensor "c" should be in one.safetensors, but is not there',
    ],
    [
      'a path upwards',
      { weight_map: { a: '../one.safetensors' } },
      'tensor "a" is said to be in "../one.safetensors"; expected the plain name',
    ],
    [
      'an absolute path',
      { weight_map: { a: '/etc/passwd' } },
      'is said to be in "/etc/passwd"; expected the plain name',
    ],
    [
      'a folder',
      { weight_map: { a: 'sub/one.safetensors' } },
      'expected the plain name of a file beside the index',
    ],
    [
      'a path of Windows',
      { weight_map: { a: 'C:\\one.safetensors' } },
      'expected the plain name of a file beside the index',
    ],
    ['the folder itself', { weight_map: { a: '..' } }, 'is said to be in ".."; expected the plain name'],
    [
      'a name with a zero byte',
      { weight_map: { a: 'one\0' } },
      'expected the plain name of a file beside the index',
    ],
    ['an empty name', { weight_map: { a: '' } }, 'is said to be in ""; expected the plain name'],
    ['a name that is no text', { weight_map: { a: 1 } }, 'is said to be in 1; expected the plain name'],
    ['no weight_map', {}, 'expected an object "weight_map", found undefined'],
    [
      'a weight_map that is a list',
      { weight_map: [] },
      'expected an object "weight_map", found an array of 0',
    ],
    [
      'a tensor listed twice',
      '{"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}}',
      'the key "a" occurs twice',
    ],
  ])('refuses %s', async (_what, index, message) => {
    const error = await checkpointError(readIndex(index));
    expect(error).toContain('model.safetensors.index.json: ');
    expect(error).toContain(message);
  });

  test('names the shard that is corrupt', async () => {
    temporary.writeAll('cut', { 'one.safetensors': first.subarray(0, -1) });
    const index = temporary.write(
      'cut/model.safetensors.index.json',
      '{"weight_map": {"a": "one.safetensors"}}',
    );
    expect(await checkpointError(readSafetensorsIndex(index))).toMatch(
      /one\.safetensors: the file is truncated.*\(1 byte missing\)/,
    );
  });
});
