import { writeFile } from './write-file.mjs';

/**
 * Writes float32 tensors as a safetensors file: the length of the header (8 bytes), the header (JSON), the data.
 *
 * @param tensors `{ name, shape, values() }` each; `values` is called once, when the tensor is written, so that only
 *   one tensor at a time is in memory
 */
export function writeSafetensors(file, tensors) {
  const header = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8)); // keeps the data aligned
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));

  writeFile(file, (write) => {
    write(length);
    write(text);
    for (const tensor of tensors) write(tensor.values());
  });
}
