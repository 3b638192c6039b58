import { type Device, resolveDevice } from '../device';
import { type Dtype, isDtype } from '../elements';
import { badCheckpoint, describe, invalidArgument, SkipscanError } from '../errors';
import { Tensor } from '../tensor';
import { assertUnchanged } from './file-state';
import { folderContents, withFile } from './files';
import type { Manifest, TensorEntry } from './types';
import { readManifest } from './weights-files';

/** A tensor of a weights file, before it is read. */
export type WeightInfo = {
  /** In lower case, such as `'f32'` or `'i64'`: what the file holds, which is more than tensors can be. */
  readonly dtype: string;
  /** Empty for a single number. */
  readonly shape: readonly number[];
};

/** How a tensor of a weights file is read. */
export type ReadWeightOptions = {
  /** The shape that it must have. Defaults to whatever the file says. */
  shape?: readonly number[];
  /** What it becomes, rounding to nearest even. Defaults to the dtype in the file. */
  dtype?: Dtype;
  /** Where it goes. Defaults to the CPU; `'auto'` is the first GPU if there is one. */
  device?: 'auto' | Device;
};

/** The tensors of a weights file, for packages that build their own models. Made by `openWeights()`; nothing is held open. */
export class Weights {
  /** The file, or the index of the shards. */
  readonly file: string;
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, WeightInfo>;
  readonly #manifest: Manifest;

  private constructor(file: string, manifest: Manifest) {
    this.file = file;
    this.tensors = new Map([...manifest.tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
    this.#manifest = manifest;
  }

  /** @internal `openWeights()`. */
  static async open(file: string): Promise<Weights> {
    if (typeof file !== 'string' || file === '')
      throw invalidArgument('file', 'the path of a weights file', file);
    return new Weights(file, await readManifest(file));
  }

  /**
   * Reads one tensor. A single number comes as a tensor of shape `[1]`.
   *
   * @throws SkipscanError `ERR_CHECKPOINT` for a name that is not there, another shape, and a file that has changed; `ERR_UNSUPPORTED`
   *   for a dtype that tensors do not have, and a tensor without elements
   */
  async read(name: string, o: ReadWeightOptions = {}): Promise<Tensor> {
    const { tensors, files } = this.#manifest;
    const entry = tensors.get(name);
    if (entry === undefined) {
      const found = folderContents(tensors.keys()).replace('folder', 'file');
      throw badCheckpoint(this.file, `there is no tensor ${describe(name)}. ${found}`);
    }
    if (o.shape !== undefined) this.#checkShape(name, entry, o.shape);
    const { file, offset, byteLength, dtype } = entry;
    if (!isDtype(dtype) || byteLength === 0) {
      const problem = byteLength === 0 ? 'has no elements' : `is ${dtype}; tensors are f32, bf16, f16 or i32`;
      throw new SkipscanError('ERR_UNSUPPORTED', `${file}: tensor ${describe(name)} ${problem}.`);
    }
    const bytes = await withFile(file, (reader) =>
      reader.read(offset, byteLength, `tensor ${describe(name)}`),
    );
    await assertUnchanged(files); // where a tensor lies was read when the file was opened
    const shape = entry.shape.length === 0 ? [1] : entry.shape;
    using read = Tensor.from(elements(bytes, dtype), shape, { dtype });
    return await read.to({ dtype: o.dtype, device: o.device && resolveDevice(o.device) });
  }

  #checkShape(name: string, { shape }: TensorEntry, expected: readonly number[]): void {
    if (!Array.isArray(expected)) throw invalidArgument('shape', 'an array of sizes', expected);
    if (shape.length === expected.length && shape.every((size, i) => size === expected[i])) return;
    const picture = (sizes: readonly number[]) => `[${sizes.join(', ')}]`;
    throw badCheckpoint(
      this.file,
      `tensor ${describe(name)} has the shape ${picture(shape)}; expected ${picture(expected)}.`,
    );
  }
}

/**
 * Opens a weights file and reads its headers; tensors are read when they are asked for. The file is data: nothing in it is executed,
 * and what its headers claim is checked.
 *
 * @param file safetensors, or what `torch.save()` writes (.bin, .pth, .pt: an allow-listed unpickler reads it); or the index of their
 *   shards (`.index.json`)
 * @throws SkipscanError `ERR_CHECKPOINT` when it is missing, damaged, or claims what cannot be
 */
export function openWeights(file: string): Promise<Weights> {
  return Weights.open(file);
}

/** A view where the bytes are aligned to the elements, else a copy: Node.js lends small buffers from a pool. */
function elements(bytes: Buffer, dtype: Dtype): Float32Array | Int32Array | Uint16Array {
  const own = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
  if (dtype === 'f32') return new Float32Array(own);
  return dtype === 'i32' ? new Int32Array(own) : new Uint16Array(own);
}
