/** A tensor to be written: dtype as the format spells it (`F32`), and its bytes. */
export type TensorSource = { dtype: string; shape: number[]; data: Uint8Array };

/** A float32 tensor of the given values. */
export function f32(shape: number[], values: readonly number[]): TensorSource {
  return { dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

/** A safetensors file of these tensors, in this order. */
export function safetensorsFile(
  tensors: Readonly<Record<string, TensorSource>>,
  metadata: Record<string, string> = { format: 'pt' },
): Buffer {
  let end = 0;
  const header = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const data = Buffer.concat(Object.values(tensors).map((tensor) => tensor.data));
  return safetensorsBytes(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(header) }), data);
}

/** A safetensors file of a header that may lie, also about its own length. */
export function safetensorsBytes(
  header: string | Uint8Array,
  data: Uint8Array = Buffer.alloc(0),
  headerLength = BigInt(Buffer.byteLength(header)),
): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength);
  return Buffer.concat([length, Buffer.from(header), data]);
}
