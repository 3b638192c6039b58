// Recorded cases: with the environment variable SKIPSCAN_RECORD_CASES=<folder>, `npx jest test/ops` writes every case that a
// GPU can have to a file there, for programs without JavaScript that run operators under sanitizers or on other machines.
//
// A file is lines of text, an empty line, zeros up to a multiple of 64 bytes, and the arrays, each at a multiple of 64 bytes,
// little-endian. Offsets are in bytes from the start of the arrays. A line is a word, a name without spaces, and the rest:
//
//   skipscan-case 1                  the version of this format
//   op selective_scan
//   why skipped rows, backward       the name of the case, to the end of the line
//   dtype bf16                       of the activations
//   number channels 40               a param; what strtod() reads, "Infinity" included
//   flag softplus 1                  0 or 1
//   text alignment next
//   array u bf16 1480 0              name, dtype (f32, bf16, f16, i32, f64), elements, offset: what it holds before the call
//   array path.index i32 37 5952     a field of a param that is an object
//   same y u                         a param whose memory is that of another, which has a line before
//   expect y f32 1480 6144 12096 2e-6
//
// The last is an output after the call: the param's name, the dtype of the values here (f32 for bf16 and f16 too, or i32),
// elements, the offset of the values, the offset of one byte for each element, and the largest error allowed, relative to the
// larger of 1 and the largest absolute value that is expected. The byte is 0 for an element that must be as it was before, 1
// for one that must be as expected, 2 for either, 3 for one that may be anything. Params that have no line are absent. Rows of outputs that must
// not be written hold -7.25e33, in bf16 and f16 the bits 0x7fd5.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'node:util';
import type { GuardedMemory, Output } from './guarded-memory';
import { type ActivationDtype, encode } from './halves';

/** Where cases are written, when they are to be. */
export const recordDirectory = process.env.SKIPSCAN_RECORD_CASES || undefined;

const alignment = 64;

/** A case on its way to a file. Made before the operator runs, because it holds what the arrays held then. */
export class CaseRecord {
  readonly #lines: string[];
  readonly #blobs: Uint8Array[] = [];
  readonly #names = new Map<unknown, string>();
  readonly #file: string;
  #bytes = 0;

  constructor(
    op: string,
    why: string,
    dtype: ActivationDtype,
    params: object,
    private readonly memory: GuardedMemory,
    dtypeOf: (name: string) => ActivationDtype,
  ) {
    this.#file = `${op}.${dtype}.${why.replace(/[^\w]+/g, '-')}.case`;
    this.#lines = ['skipscan-case 1', `op ${op}`, `why ${why}`, `dtype ${dtype}`];
    this.#addParams('', params, dtypeOf);
  }

  /** Adds what the outputs hold now, after the call, and writes the file. */
  write(directory: string, tolerances: ReadonlyMap<string, number>): void {
    for (const output of this.memory.outputs) this.#addExpectation(output, tolerances.get(output.name)!);
    const header = Buffer.from(`${this.#lines.join('\n')}\n\n`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, this.#file), Buffer.concat([padded(header), ...this.#blobs]));
  }

  #addParams(prefix: string, params: object, dtypeOf: (name: string) => ActivationDtype): void {
    for (const [field, value] of Object.entries(params)) {
      const name = prefix + field;
      if (typeof value === 'number') this.#lines.push(`number ${name} ${value}`);
      else if (typeof value === 'boolean') this.#lines.push(`flag ${name} ${Number(value)}`);
      else if (typeof value === 'string') this.#lines.push(`text ${name} ${value}`);
      else if (types.isTypedArray(value)) this.#addArray(name, value, params, dtypeOf);
      else if (typeof value === 'object' && !Array.isArray(value))
        this.#addParams(`${name}.`, value, dtypeOf);
    }
  }

  #addArray(
    name: string,
    array: NodeJS.TypedArray,
    params: object,
    dtypeOf: (name: string) => ActivationDtype,
  ): void {
    const known = this.#names.get(array);
    if (known !== undefined) {
      this.#lines.push(`same ${name} ${known}`);
      return;
    }
    this.#names.set(array, name);
    let dtype: string = dtypeOf(name);
    if (types.isInt32Array(array)) dtype = 'i32';
    if (types.isFloat64Array(array)) dtype = 'f64';
    if (types.isUint16Array(array)) dtype = (params as Record<string, string>)[`${name}Dtype`];
    const held = types.isFloat32Array(array) ? encode(array, dtype as ActivationDtype) : array;
    this.#lines.push(`array ${name} ${dtype} ${array.length} ${this.#add(held)}`);
  }

  #addExpectation({ inner, whole, fates }: Output, tolerance: number): void {
    const begin = (inner.byteOffset - whole.byteOffset) / inner.BYTES_PER_ELEMENT;
    const dtype = types.isInt32Array(inner) ? 'i32' : 'f32';
    const values = this.#add(inner);
    const bytes = this.#add(fates.slice(begin, begin + inner.length));
    const name = this.#names.get(inner);
    this.#lines.push(`expect ${name} ${dtype} ${inner.length} ${values} ${bytes} ${tolerance}`);
  }

  /** The offset of a copy of the array. */
  #add(array: NodeJS.TypedArray): number {
    const offset = this.#bytes;
    const bytes = padded(Buffer.from(array.buffer, array.byteOffset, array.byteLength));
    this.#blobs.push(bytes);
    this.#bytes += bytes.length;
    return offset;
  }
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes], Math.ceil(bytes.length / alignment) * alignment);
}
