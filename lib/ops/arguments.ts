import { types } from 'node:util';
import type { Dtype, Int32s } from '../elements';
import { describe, fromNative, invalidArgument, mismatch, SkipscanError } from '../errors';
import { native } from '../native';
import type { NativeFloats, NativeOpParams } from '../native-types';
import { ScanPath } from '../scan-path';
import { Tensor } from '../tensor';
import { type Place, placeOn } from './place';
import { type Shape, Sizes } from './sizes';

/**
 * What the kernels of a GPU read a tensor as: in the dtype that all activations of a call have, in float32, or in any. Kernels
 * of the CPU read float32, which every tensor is converted to.
 */
export type Role = 'activation' | 'float32' | 'any';

const floatDtypes: readonly Dtype[] = ['f32', 'bf16', 'f16'];

/**
 * Reads and checks the arguments of one operator call; knows the sizes that their shapes have in common and the device that
 * their tensors are on. To be disposed when the call has ended.
 */
export class Arguments<Options extends object> implements Disposable {
  readonly #op: string;
  readonly #options: Options;
  readonly #sizes = new Sizes();
  #lead: Shape = [];
  #place?: Place;
  /** The first tensor, and the first activation. */
  #first?: string;
  #activation?: { name: string; dtype: Dtype };

  /** @param known every argument that the operator has */
  constructor(op: string, options: Options, known: readonly (keyof Options & string)[]) {
    if (typeof options !== 'object' || options === null) {
      throw invalidArgument(`ops.${op}`, 'an object', options);
    }
    const unknown = Object.keys(options).find((name) => !(known as readonly string[]).includes(name));
    if (unknown) throw invalidArgument(`ops.${op}`, `arguments among ${known.join(', ')}`, unknown);
    this.#op = op;
    this.#options = options;
  }

  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
  }

  // ---- tensors

  /** The token-major tensor that decides whether rows are `[T, ...]` or `[batch, length, ...]`. */
  tokens(
    name: keyof Options & string,
    width: Shape,
    role: Role = 'activation',
    dtypes = floatDtypes,
  ): Tensor {
    const tensor = this.#tensor(name, role, dtypes);
    const leads: Shape[] = [['T'], ['batch', 'length']];
    const lead = leads.find(({ length }) => length === tensor.shape.length - width.length);
    if (!lead) {
      const shapes = leads.map((names) => this.#sizes.picture([...names, ...width])).join(' or ');
      throw this.#mismatch(name, `a tensor of shape ${shapes}`, `one of shape [${tensor.shape.join(', ')}]`);
    }
    this.#lead = lead;
    return this.#shaped(name, tensor, [...lead, ...width]);
  }

  /** A tensor of any dtype of `dtypes`. */
  tensor(name: keyof Options & string, shape: Shape, role: Role, dtypes = floatDtypes): Tensor {
    return this.#shaped(name, this.#tensor(name, role, dtypes), shape);
  }

  /** The elements of a vector, a matrix or a state, as kernels read it. */
  floats(name: keyof Options & string, shape: Shape, dtypes = floatDtypes): NativeFloats {
    return this.place.floats(this.tensor(name, shape, 'float32', dtypes));
  }
  optionalFloats(name: keyof Options & string, shape: Shape, dtypes = floatDtypes): NativeFloats | undefined {
    return this.has(name) ? this.floats(name, shape, dtypes) : undefined;
  }

  /** Those of a tensor with a row for every token. */
  rows(name: keyof Options & string, width: Shape, role: Role = 'activation'): NativeFloats {
    return this.place.floats(this.tensor(name, [...this.#lead, ...width], role));
  }
  optionalRows(name: keyof Options & string, width: Shape, role?: Role): NativeFloats | undefined {
    return this.has(name) ? this.rows(name, width, role) : undefined;
  }

  /** Where the tensors are. */
  get place(): Place {
    this.#place ??= placeOn('cpu');
    return this.#place;
  }

  // ---- sequences

  /** The argument `path`, which must walk over the rows of the tokens; by default all of them in order. */
  path(this: Arguments<Options & { path?: ScanPath }>): ScanPath {
    const path = this.#options.path;
    if (path === undefined) return ScanPath.full(this.#lengths);
    if (!(path instanceof ScanPath)) throw invalidArgument(`path of ops.${this.#op}`, 'a ScanPath', path);
    if (path.rows !== this.rowCount) {
      throw this.#mismatch(
        'path',
        `a path over the ${this.rowCount} rows of the tensors`,
        `one over ${path.rows} rows`,
      );
    }
    return path;
  }

  /** The argument `offsets`, which cuts `rows` into sequences; by default one, or those of the batch. */
  offsets(this: Arguments<Options & { offsets?: Int32s }>, rows: number): Int32Array {
    if (!this.has('offsets')) {
      return this.#lead.length === 0 ? Int32Array.of(0, rows) : ScanPath.full(this.#lengths).offsets;
    }
    const offsets = this.wholeNumbers('offsets');
    const ascend = offsets.every((n, s) => n >= (s === 0 ? 0 : offsets[s - 1]));
    if (offsets.length < 2 || offsets[0] !== 0 || offsets[offsets.length - 1] !== rows || !ascend) {
      throw this.#mismatch(
        'offsets',
        `ascending offsets from 0 to ${rows}, the number of rows,`,
        list(offsets),
      );
    }
    return offsets;
  }

  /** A copy of whole numbers of 32 bits: `count` of them, each at least `least`. */
  wholeNumbers(name: keyof Options & string, count?: number, least = 0): Int32Array {
    const values: unknown = this.#options[name];
    if (!Array.isArray(values) && !types.isInt32Array(values)) {
      const expected = 'an Int32Array or an array of whole numbers';
      throw invalidArgument(`${name} of ops.${this.#op}`, expected, values);
    }
    if (count !== undefined && values.length !== count) {
      throw this.#mismatch(name, `${count} numbers, one for each row,`, String(values.length));
    }
    const copy = Int32Array.from(values as number[]);
    const wrong = copy.findIndex((n, i) => n !== values[i] || n < least);
    if (wrong >= 0) {
      const received = `${describe(values[wrong])} at index ${wrong}`;
      throw this.#mismatch(name, `whole numbers of at least ${least}`, received);
    }
    return copy;
  }

  // ---- values

  flag(name: keyof Options & string, byDefault: boolean): boolean {
    const value = this.#options[name] ?? byDefault;
    if (typeof value !== 'boolean') {
      throw invalidArgument(`${name} of ops.${this.#op}`, 'true or false', value);
    }
    return value;
  }

  choice<Value extends string>(
    name: keyof Options & string,
    values: readonly Value[],
    byDefault: Value,
  ): Value {
    const value = (this.#options[name] ?? byDefault) as Value;
    if (!values.includes(value)) {
      throw invalidArgument(`${name} of ops.${this.#op}`, `one of '${values.join("', '")}'`, value);
    }
    return value;
  }

  /** A number above 0. */
  positive(name: keyof Options & string, byDefault: number): number {
    const value: unknown = this.#options[name] ?? byDefault;
    if (typeof value !== 'number' || !(value > 0)) {
      throw invalidArgument(`${name} of ops.${this.#op}`, 'a number above 0', value);
    }
    return value;
  }

  /** A whole number of at least 0. */
  whole(name: keyof Options & string, byDefault: number): number {
    const value: unknown = this.#options[name] ?? byDefault;
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0x7fffffff) {
      throw invalidArgument(`${name} of ops.${this.#op}`, 'a whole number of at least 0', value);
    }
    return value as number;
  }

  has(name: keyof Options & string): boolean {
    return this.#options[name] !== undefined;
  }

  // ---- sizes

  /** Rows that token-major tensors have. */
  get rowCount(): number {
    return this.#lead.map((name) => this.size(name as string)).reduce((a, b) => a * b);
  }

  /** The size that the shapes so far gave this name. */
  size(name: string): number {
    const size = this.#sizes.get(name);
    if (size === undefined) throw new Error(`no shape of ops.${this.#op} has ${name}`);
    return size;
  }

  /** Checks that `parts` cuts `whole` into equal pieces. */
  checkDivides(name: string, parts: number, whole: string): void {
    const size = this.size(whole);
    if (!Number.isInteger(parts) || size % parts !== 0) {
      throw this.#mismatch(name, `a divisor of ${whole} = ${size}`, String(parts));
    }
  }

  /** Checks that every id is a row of a table of `limit` rows. */
  checkBelow(name: string, ids: Int32Array, limit: number): void {
    const at = ids.findIndex((id) => id < 0 || id >= limit);
    if (at >= 0) throw this.#mismatch(name, `ids from 0 to ${limit - 1}`, `${ids[at]} at index ${at}`);
  }

  /** Runs the kernel; the outputs are in `params`. */
  async run<Name extends keyof NativeOpParams>(name: Name, params: NativeOpParams[Name]): Promise<void> {
    const { device } = this.place;
    await fromNative(() => native.runOp(name, params, device === 'cpu' ? {} : { device }));
  }

  /** The lengths of the sequences that the shape of the tokens says. */
  get #lengths(): Int32Array {
    if (this.#lead.length < 2) return Int32Array.of(this.rowCount);
    return new Int32Array(this.size('batch')).fill(this.size('length'));
  }

  #tensor(name: keyof Options & string, role: Role, dtypes: readonly Dtype[]): Tensor {
    const tensor: unknown = this.#options[name];
    if (!(tensor instanceof Tensor)) throw invalidArgument(`${name} of ops.${this.#op}`, 'a Tensor', tensor);
    if (tensor.disposed) {
      throw new SkipscanError(
        'ERR_DISPOSED',
        `The tensor for ${name} of ops.${this.#op} was disposed. Make a new one.`,
      );
    }
    if (!dtypes.includes(tensor.dtype)) {
      const expected = dtypes.join(', ').replace(/, (\w+)$/, ' or $1');
      throw this.#mismatch(name, `a tensor of dtype ${expected}`, `one of dtype ${tensor.dtype}`);
    }
    this.#checkDevice(name, tensor);
    this.#checkRole(name, tensor, role);
    return tensor;
  }

  /** All tensors of a call are on the device of the first. */
  #checkDevice(name: string, { device }: Tensor): void {
    this.#first ??= name;
    this.#place ??= placeOn(device);
    if (device === this.#place.device) return;
    const expected = `a tensor on ${this.#place.device}, where ${this.#first} is,`;
    throw this.#mismatch(name, expected, `one on ${device}; move one of them with to()`);
  }

  #checkRole(name: string, { dtype }: Tensor, role: Role): void {
    if (!this.place.isTyped) return;
    if (role === 'activation') this.#activation ??= { name, dtype };
    const wanted = { activation: this.#activation?.dtype, float32: 'f32', any: dtype }[role];
    if (dtype === wanted) return;
    const why = role === 'float32' ? 'as a GPU needs it' : `that of ${this.#activation?.name}`;
    throw this.#mismatch(
      name,
      `a tensor of dtype ${wanted}, ${why},`,
      `one of dtype ${dtype}; convert it with to()`,
    );
  }

  /** Checks the shape and learns the sizes of its names. */
  #shaped(name: string, tensor: Tensor, shape: Shape): Tensor {
    if (this.#sizes.fit(tensor.shape, shape)) return tensor;
    const expected = `a tensor of shape ${this.#sizes.picture(shape)}`;
    throw this.#mismatch(name, expected, `one of shape [${tensor.shape.join(', ')}]`);
  }

  #mismatch(name: string, expected: string, received: string): SkipscanError {
    return mismatch(`${name} of ops.${this.#op}`, expected, received);
  }
}

const list = (values: Int32Array): string =>
  `[${values.slice(0, 8).join(', ')}${values.length > 8 ? ', ...' : ''}]`;
