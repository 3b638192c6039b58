import { writeAtomically } from '../atomic-file';
import { narrow } from '../half';

/** A tensor to be written: row-major, its values made when its turn comes. */
export type WrittenTensor = { name: string; shape: readonly number[]; values(): Float32Array };

/** What a safetensors file calls the dtypes that are written here, and the bytes of an element. */
const formats = { f32: { name: 'F32', bytes: 4 }, bf16: { name: 'BF16', bytes: 2 } };

/**
 * Writes tensors as a safetensors file: the length of the header (8 bytes), the header (JSON), the data. Only one tensor at a
 * time is in memory.
 *
 * @param dtype that of every tensor in the file
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly WrittenTensor[],
  dtype: keyof typeof formats = 'f32',
): Promise<void> {
  const format = formats[dtype];
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + format.bytes * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: format.name, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)); // keeps the data aligned
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));

  await writeAtomically(file, async (append) => {
    await append(length);
    await append(text);
    for (const tensor of tensors) {
      await append(dtype === 'f32' ? tensor.values() : narrow(tensor.values(), dtype));
    }
  });
}
