import { expectTypeOf } from 'expect-type';
import { type ErrorCode, SkipscanError } from 'skipscan';

declare const error: unknown;

if (error instanceof SkipscanError) {
  expectTypeOf(error).toExtend<Error>();
  expectTypeOf<(typeof error)['name']>().toEqualTypeOf<'SkipscanError'>();
  expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
  // @ts-expect-error a code that there is not
  if (error.code === 'ENOENT') error;
  // @ts-expect-error a code cannot be changed
  error.code = 'ERR_ARGUMENT';
}

/** A switch over all codes compiles without a default; a code more, and this is where it shows. */
export function status(code: ErrorCode): number {
  switch (code) {
    case 'ERR_ARGUMENT':
      return 400;
    case 'ERR_CHECKPOINT':
    case 'ERR_UNSUPPORTED':
    case 'ERR_NATIVE':
      return 500;
    case 'ERR_OUT_OF_MEMORY':
    case 'ERR_DEVICE':
    case 'ERR_BUSY':
    case 'ERR_DISPOSED':
      return 503;
  }
}

new SkipscanError('ERR_DEVICE', 'for tests', { cause: error });
// @ts-expect-error a code that there is not
new SkipscanError('ERR_OTHER', 'message');
