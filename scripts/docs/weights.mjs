import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tensor } from 'skipscan';

/** Tensors of a folder's `model.safetensors`, which must hold them in bfloat16: in the order of `names`. */
export function readTensors(folder, names) {
  const file = readFileSync(join(folder, 'model.safetensors'));
  const start = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, start));
  return names.map((name) => {
    const { dtype, shape, data_offsets: offsets } = header[name];
    if (dtype !== 'BF16') throw new Error(`${name}: found dtype ${dtype}, expected BF16`);
    const bytes = Uint8Array.from(file.subarray(start + offsets[0], start + offsets[1]));
    return Tensor.from(new Uint16Array(bytes.buffer), shape, { dtype: 'bf16' });
  });
}
