import { ggufTypes } from './gguf.mjs';
import { writeFile } from './write-file.mjs';

/** What a safetensors file calls the dtypes that are written here. */
const names = { f32: 'F32', bf16: 'BF16' };

/**
 * Writes tensors as a safetensors file: the length of the header (8 bytes), the header (JSON), the data.
 *
 * @param tensors `{ name, shape, values() }` each; `values` is called once, when the tensor is written, so that only
 *   one tensor at a time is in memory
 * @param dtype `f32` or `bf16`, that of every tensor in the file
 */
export function writeSafetensors(file, tensors, dtype) {
  const { blockBytes, encode } = ggufTypes[dtype];
  const header = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + blockBytes * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: names[dtype], shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)); // keeps the data aligned
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));

  writeFile(file, (write) => {
    write(length);
    write(text);
    for (const tensor of tensors) write(encode(tensor.values()));
  });
}
