import { readFileSync } from 'node:fs';
import { tensorBytes } from '../../../lib/checkpoints/dtypes';
import { readSafetensors, readSafetensorsIndex } from '../../../lib/checkpoints/safetensors';
import { readTorch } from '../../../lib/checkpoints/torch';
import type { TensorEntry } from '../../../lib/checkpoints/types';
import { SkipscanError } from '../../../lib/errors';
import { Draw } from '../../helpers/random';
import { fixture } from '../../helpers/reference';
import { f32, safetensorsBytes, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';
import { zipFile } from '../../helpers/zip-file';

const temporary = new TemporaryDirectory();

/** One to four changes: bytes replaced, removed, repeated, moved, or turned into extreme numbers. */
function mutate(original: Buffer, draw: Draw): Buffer {
  const below = (limit: number) => draw.int(0, limit - 1);
  let data = original;
  for (let changes = 1 + below(4); changes > 0 && data.length > 0; changes--) {
    const at = below(data.length);
    const length = 1 + below(Math.min(16, data.length - at));
    const [before, piece, after] = [
      data.subarray(0, at),
      data.subarray(at, at + length),
      data.subarray(at + length),
    ];
    const extreme = Buffer.alloc(length, draw.pick([0x00, 0xff, 0x7f, 0x80, 0x39, 0x28]));
    const byte = Buffer.of(below(256));
    const elsewhere = data.subarray(below(data.length)).subarray(0, length);
    const changed = [
      [before, byte, data.subarray(at + 1)],
      [before, after],
      [before, piece, piece, after],
      [before, extreme, after],
      [before, elsewhere, after],
      [before, byte, piece, after],
    ];
    data = Buffer.concat(draw.pick(changed));
  }
  return data;
}

/** Either the file is refused for a reason, or every tensor found in it lies in it. */
async function readsOrRefuses(
  size: number,
  work: Promise<Map<string, TensorEntry>>,
): Promise<'read' | 'refused'> {
  try {
    for (const { offset, byteLength, dtype, shape } of (await work).values()) {
      expect(byteLength).toBe(tensorBytes(dtype, shape));
      expect(offset + byteLength).toBeLessThanOrEqual(size);
    }
    return 'read';
  } catch (error) {
    if (!(error instanceof SkipscanError)) throw error;
    expect(error.code).toBe('ERR_CHECKPOINT');
    expect(error.message.length).toBeLessThan(1000);
    return 'refused';
  }
}

type Target = {
  name: string;
  original: Buffer;
  /** The file around the mutated part. */
  wrap(mutated: Buffer): Buffer;
  read(file: string): Promise<Map<string, TensorEntry>>;
};

const safetensors = safetensorsFile({
  'backbone.embeddings.weight': f32([4, 2], Array(8).fill(1)),
  'backbone.layers.0.mixer.D': f32([2], [1, 2]),
  'backbone.norm_f.weight': f32([2], [3, 4]),
});
const headerEnd = 8 + Number(safetensors.readBigUInt64LE());
const archive = readFileSync(fixture('torch/training.pth'));

/** The pickle within the fixture, found by its first and last operations. */
const pickle = archive.subarray(
  archive.indexOf('\x80\x02', 0, 'latin1'),
  archive.indexOf('PK\x07\x08', 0, 'latin1'),
);

const targets: Target[] = [
  {
    name: 'the header of safetensors',
    original: safetensors.subarray(8, headerEnd),
    wrap: (header) => safetensorsBytes(header, safetensors.subarray(headerEnd)),
    read: readSafetensors,
  },
  { name: 'a whole safetensors file', original: safetensors, wrap: (file) => file, read: readSafetensors },
  {
    name: 'the pickle of torch',
    original: pickle,
    wrap: (data) =>
      zipFile([
        { name: 'x/data.pkl', data },
        { name: 'x/data/0', data: Buffer.alloc(16) },
      ]),
    read: readTorch,
  },
  { name: 'a whole file of torch', original: archive, wrap: (file) => file, read: readTorch },
  {
    name: 'an index of shards',
    original: Buffer.from(
      '{"metadata": {"total_size": 48}, "weight_map": {"backbone.norm_f.weight": "shard.safetensors"}}',
    ),
    wrap: (index) => index,
    read: readSafetensorsIndex,
  },
];

test.each(targets)('no mutation of $name does harm', async ({ name, original, wrap, read }) => {
  const allocated = jest.spyOn(Buffer, 'allocUnsafe');
  temporary.write('shard.safetensors', safetensors);
  expect(await readsOrRefuses(1e9, read(temporary.write('whole', wrap(original))))).toBe('read');
  const draw = new Draw(name.length);
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 1000; round++) {
    const contents = wrap(mutate(original, draw));
    const file = temporary.write('mutated', contents);
    allocated.mockClear();
    const size = name.includes('index') ? safetensors.length : contents.length;
    outcomes[await readsOrRefuses(size, read(file))]++;
    for (const [length] of allocated.mock.calls)
      expect(length).toBeLessThanOrEqual(Math.max(size, contents.length));
  }
  allocated.mockRestore();
  expect(outcomes.refused).toBeGreaterThan(300);
  expect(outcomes.read).toBeGreaterThan(0);
});
