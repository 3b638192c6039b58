import { closeSync, openSync, readSync } from 'node:fs';
import { openCheckpoint, type TensorEntry } from '../../../lib/checkpoints';
import { reference } from '../../helpers/reference';

const directory = reference('lm');

function bytesOf({ file, offset, byteLength }: TensorEntry): Buffer {
  const bytes = Buffer.alloc(byteLength);
  const handle = openSync(file, 'r');
  readSync(handle, bytes, 0, byteLength, offset);
  closeSync(handle);
  return bytes;
}

/** The original format calls one tensor differently. */
function publishedName(name: string): string {
  return name === 'backbone.embedding.weight' ? 'backbone.embeddings.weight' : name;
}

(directory ? describe : describe.skip)('the reference checkpoints', () => {
  const open = (name: string) => openCheckpoint(`${directory}/${name}`);

  test.each([
    ['mamba1-hf', 'safetensors', 62, 'f32', 64],
    ['mamba1-hf-sharded', 'safetensors', 62, 'f32', 64],
    ['mamba1-original', 'torch', 63, 'f32', 64],
    ['mamba2-hf', 'safetensors', 56, 'f32', 64],
    ['mamba2-hf-bf16', 'safetensors', 56, 'bf16', 64],
    ['mamba2-original', 'torch', 57, 'f32', 64],
    ['mamba2-groups-hf', 'safetensors', 30, 'f32', 48],
    ['mamba2-groups-original', 'torch', 30, 'f32', 48],
  ])('%s opens: %s, %d tensors, %s', async (name, format, count, dtype, width) => {
    const { manifest, config } = await open(name);
    expect([manifest.format, manifest.tensors.size]).toEqual([format, count]);
    expect(new Set([...manifest.tensors.values()].map((entry) => entry.dtype))).toEqual(new Set([dtype]));
    const names = new Map([...manifest.tensors].map(([tensor, entry]) => [publishedName(tensor), entry]));
    expect(names.get('backbone.embeddings.weight')?.shape).toEqual([512, width]);
    expect(names.get('backbone.norm_f.weight')?.shape).toEqual([width]);
    expect(config.d_model ?? config.hidden_size).toBe(width);
  });

  test.each([
    ['mamba1-hf-sharded', 'mamba1-hf'],
    ['mamba1-original', 'mamba1-hf'],
    ['mamba2-original', 'mamba2-hf'],
    ['mamba2-groups-original', 'mamba2-groups-hf'],
  ])('%s holds the same tensors as %s', async (name, twin) => {
    const { tensors } = (await open(name)).manifest;
    const expected = (await open(twin)).manifest.tensors;
    const compared = new Set<string>();
    for (const [tensor, entry] of tensors) {
      const other = expected.get(publishedName(tensor));
      // The original format writes the tied head; Hugging Face leaves it out.
      if (!other && tensor === 'lm_head.weight') continue;
      expect({ tensor, shape: entry.shape, dtype: entry.dtype }).toEqual({
        tensor,
        shape: other?.shape,
        dtype: other?.dtype,
      });
      expect(bytesOf(entry).equals(bytesOf(other!))).toBe(true);
      compared.add(publishedName(tensor));
    }
    expect(compared).toEqual(new Set(expected.keys()));
  });

  test('a tied head is a second name of the embedding', async () => {
    const { tensors } = (await open('mamba1-original')).manifest;
    expect(tensors.get('lm_head.weight')).toEqual(tensors.get('backbone.embedding.weight'));
    const untied = (await open('mamba2-groups-original')).manifest.tensors;
    expect(untied.get('lm_head.weight')).not.toEqual(untied.get('backbone.embedding.weight'));
  });

  test('bfloat16 tensors are the rounded float32 ones', async () => {
    const rounded = (await open('mamba2-hf-bf16')).manifest.tensors;
    for (const [name, entry] of (await open('mamba2-hf')).manifest.tensors) {
      const exact = bytesOf(entry);
      const half = bytesOf(rounded.get(name)!);
      let worst = 0;
      for (let i = 0; i < half.length / 2; i++) {
        worst = Math.max(worst, Math.abs((half.readUInt16LE(2 * i) << 16) - exact.readInt32LE(4 * i)));
      }
      // Half of the 16 bits that were cut off.
      expect({ name, worst: worst <= 0x8000 }).toEqual({ name, worst: true });
    }
  });

  test('tokenizers are found where there are any', async () => {
    expect((await open('mamba1-hf')).tokenizerFile).toBe(`${directory}/mamba1-hf/tokenizer.json`);
    expect((await open('mamba1-hf')).generationConfig).toMatchObject({ eos_token_id: 0 });
    expect((await open('mamba1-original')).tokenizerFile).toBeUndefined();
  });
});
