/**
 * What kind of thing went wrong; stable across versions, meant for `switch`.
 *
 * - `'ERR_ARGUMENT'`: an argument or an option that cannot be; nothing was done
 * - `'ERR_CHECKPOINT'`: a checkpoint that is not there, is damaged, or contradicts itself
 * - `'ERR_UNSUPPORTED'`: what was asked for is well formed, but this build, device or engine does not do it
 * - `'ERR_OUT_OF_MEMORY'`: memory, of the system or of a GPU, was not enough
 * - `'ERR_DEVICE'`: a device that is not there, or does not work any more
 * - `'ERR_BUSY'`: too many calls wait for the model already; nothing was done, and later it may be
 * - `'ERR_DISPOSED'`: a model, a session or a tensor that was disposed
 * - `'ERR_NATIVE'`: the native engine does not load, or found what should not be
 */
export type ErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_CHECKPOINT'
  | 'ERR_UNSUPPORTED'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_DEVICE'
  | 'ERR_BUSY'
  | 'ERR_DISPOSED'
  | 'ERR_NATIVE';

/** The one error class of this package. The message says what was found, what was expected and what to do. */
export class SkipscanError extends Error {
  /** Always `'SkipscanError'`, also where `instanceof` fails because the package is loaded twice. */
  override readonly name = 'SkipscanError';
  /** What kind of thing went wrong. */
  readonly code: ErrorCode;

  /** Made by this package; public so that code which stands in for it, such as in tests, can make one. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A bad argument: `Expected <what> for <name> but received <value>`, the same sentence everywhere. */
export function invalidArgument(name: string, expected: string, value: unknown): SkipscanError {
  return mismatch(name, expected, describe(value));
}

/** The same sentence for what needs its own words, such as a shape. */
export function mismatch(name: string, expected: string, received: string): SkipscanError {
  return new SkipscanError('ERR_ARGUMENT', `Expected ${expected} for ${name} but received ${received}.`);
}

/** A call on a model whose memory was given back. */
export function disposedModel(): SkipscanError {
  return new SkipscanError('ERR_DISPOSED', 'This model was disposed. Load it again to use it.');
}

/** A checkpoint that cannot be read: which file, what is wrong with it, what to do. */
export function badCheckpoint(file: string, problem: string, options?: ErrorOptions): SkipscanError {
  return new SkipscanError('ERR_CHECKPOINT', `${file}: ${problem}`, options);
}

/** A short, safe picture of any value for an error message: never throws, never longer than about 80 characters. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  // Escapes make a short string a long one.
  if (typeof value === 'string')
    return shorten(JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value));
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return shorten(String(value));
  if (typeof value === 'function') return `a function`;
  if (typeof value === 'symbol') return 'a symbol';
  if (ArrayBuffer.isView(value))
    return `${Object.prototype.toString.call(value).slice(8, -1)}(${value.byteLength} bytes)`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return `an object with keys [${shorten(Object.keys(value).slice(0, 6).join(', '))}]`;
}

/** The same for a value of a JSON file, in JSON. */
export function describeJson(value: unknown): string {
  return shorten(JSON.stringify(value) ?? 'undefined');
}

/** Sizes of a tensor for an error message, the first of them where there are many. */
export function describeShape(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', ...' : ''}]`;
}

/** Text from a file is cut in messages: it may be of any length. */
export function shorten(text: string, length = 80): string {
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  'ERR_ARGUMENT',
  'ERR_CHECKPOINT',
  'ERR_UNSUPPORTED',
  'ERR_OUT_OF_MEMORY',
  'ERR_DEVICE',
  'ERR_DISPOSED',
  'ERR_NATIVE',
]);

/**
 * Waits for native work and raises its failure again as a SkipscanError on the caller's stack: an error made on the
 * native side has no stack of its own.
 */
export async function fromNative<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw asSkipscanError(cause);
  }
}

/** The same for a call that returns at once. */
export function fromNativeSync<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw asSkipscanError(cause);
  }
}

/** What C++ throws where an allocation fails, as it comes from calls that return at once. */
const badAllocation = /^std::bad_(alloc|array_new_length)$/;

/** Errors are told by shape, not by `instanceof`, which fails across realms (jest). */
function asSkipscanError(cause: unknown): unknown {
  const { code, message } = cause as { code?: string; message?: string };
  if (!code && badAllocation.test(message ?? '')) {
    return new SkipscanError(
      'ERR_OUT_OF_MEMORY',
      'The system had no memory left for this call. Dispose models and sessions that are no longer needed.',
      { cause },
    );
  }
  return code && codes.has(code)
    ? new SkipscanError(code as ErrorCode, message ?? 'unknown native error', { cause })
    : cause;
}
