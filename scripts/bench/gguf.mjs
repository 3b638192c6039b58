import { writeAtomically } from '../../dist/atomic-file.js';

/** Where tensor data starts, and each tensor in it, in bytes: the format's default. */
const alignment = 32;

/** The tensor types written here: GGML's number, the values and bytes of a block, and the conversion from float32. */
export const ggufTypes = {
  f32: { id: 0, blockValues: 1, blockBytes: 4, encode: (values) => values },
  bf16: { id: 30, blockValues: 1, blockBytes: 2, encode: encodeBf16 },
  q8_0: { id: 8, blockValues: 32, blockBytes: 34, encode: encodeQ80 },
};

/**
 * Writes a GGUF file (version 3).
 *
 * @param metadata `[key, type, value]` each, `type` one of the keys of `valueWriters`
 * @param tensors `{ name, shape, type, values() }` each: `shape` outermost first, `type` a key of `ggufTypes`, `values`
 *   the float32 values, called once when the tensor is written
 */
export async function writeGguf(file, metadata, tensors) {
  const header = new ByteWriter();
  header.text('GGUF').u32(3).u64(tensors.length).u64(metadata.length);
  for (const [key, type, value] of metadata) {
    header.string(key);
    valueWriters[type](header, value);
  }
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    header.string(name).u32(shape.length);
    for (const size of [...shape].reverse()) header.u64(size); // GGUF lists the innermost first
    header.u32(ggufTypes[type].id).u64(offset);
    offset += padded(tensorBytes(shape, ggufTypes[type]));
  }

  await writeAtomically(file, async (append) => {
    const head = header.bytes();
    await append(head);
    await append(padding(head.length));
    for (const { shape, type, values } of tensors) {
      await append(ggufTypes[type].encode(values()));
      await append(padding(tensorBytes(shape, ggufTypes[type])));
    }
  });
}

// ---- header

/** A metadata value: its type number, then the value. */
const valueWriters = {
  u32: (out, value) => out.u32(4).u32(value),
  f32: (out, value) => out.u32(6).f32(value),
  string: (out, value) => out.u32(8).string(value),
  strings: (out, values) => {
    out.u32(9).u32(8).u64(values.length);
    for (const value of values) out.string(value);
  },
};

class ByteWriter {
  #parts = [];

  text(value) {
    this.#parts.push(Buffer.from(value));
    return this;
  }

  u32(value) {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.#parts.push(part);
    return this;
  }

  u64(value) {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    this.#parts.push(part);
    return this;
  }

  f32(value) {
    const part = Buffer.alloc(4);
    part.writeFloatLE(value);
    this.#parts.push(part);
    return this;
  }

  string(value) {
    return this.u64(Buffer.byteLength(value)).text(value);
  }

  bytes() {
    return Buffer.concat(this.#parts);
  }
}

function tensorBytes(shape, type) {
  return (shape.reduce((a, b) => a * b, 1) / type.blockValues) * type.blockBytes;
}

function padded(bytes) {
  return Math.ceil(bytes / alignment) * alignment;
}

function padding(bytes) {
  return Buffer.alloc(padded(bytes) - bytes);
}

// ---- tensor types

/** The upper half of each float32, rounded to nearest, ties to even. The values are finite. */
function encodeBf16(values) {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) bits[i] = (words[i] + 0x7fff + ((words[i] >>> 16) & 1)) >>> 16;
  return bits;
}

/** Blocks of 32 values: a scale as f16, then the values in units of it as 8-bit integers. */
function encodeQ80(values) {
  const { blockValues, blockBytes } = ggufTypes.q8_0;
  const out = Buffer.alloc((values.length / blockValues) * blockBytes);
  for (let block = 0, at = 0; block < values.length; block += blockValues, at += blockBytes) {
    let largest = 0;
    for (let i = 0; i < blockValues; i++) largest = Math.max(largest, Math.abs(values[block + i]));
    const scale = largest / 127;
    out.writeUInt16LE(positiveF16(scale), at);
    for (let i = 0; i < blockValues; i++) {
      out.writeInt8(scale === 0 ? 0 : Math.round(values[block + i] / scale), at + 2 + i);
    }
  }
  return out;
}

/** Bits of a positive value below 65504. The implicit one of a mantissa of 1024 or more adds 1 to the exponent field. */
function positiveF16(value) {
  const exponent = Math.max(Math.floor(Math.log2(value)), -14);
  return ((exponent + 14) << 10) + Math.round(value / 2 ** (exponent - 10));
}
