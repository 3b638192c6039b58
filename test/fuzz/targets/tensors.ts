import { isCount, tensorBytes } from '../../../lib/checkpoints/dtypes';
import type { TensorEntry } from '../../../lib/checkpoints/types';
import { expect } from '../engine/check';

/** Every tensor that a reader found lies in its file, and is as long as its dtype and shape say. */
export function checkTensors(tensors: ReadonlyMap<string, TensorEntry>, fileBytes: number): void {
  for (const [name, { offset, byteLength, dtype, shape }] of tensors) {
    expect(typeof name === 'string', 'a name that is text');
    expect(shape.every(isCount), `sizes that are counts, not ${shape}`);
    expect(
      isCount(offset) && isCount(byteLength),
      `a range of whole numbers, not ${offset} and ${byteLength}`,
    );
    expect(byteLength === tensorBytes(dtype, shape), `bytes as ${dtype} ${shape} need, not ${byteLength}`);
    expect(
      offset + byteLength <= fileBytes,
      `a range within ${fileBytes} bytes, not ${offset} + ${byteLength}`,
    );
  }
}
