import { expect } from './check';

let most = Number.POSITIVE_INFINITY;

/** Bytes that any one array or buffer may have from now on; more is a violation. */
export function limitAllocations(bytes: number): void {
  most = bytes;
}

function checked(bytes: number): void {
  expect(bytes <= most, `arrays of at most ${most} bytes for an input of this size, not ${bytes}`);
}

/** Puts a check before every making of a typed array or a buffer. The limit of the heap bounds the rest (see worker.ts). */
export function watchAllocations(): void {
  const globals = globalThis as unknown as Record<
    string,
    { new (...args: unknown[]): object; BYTES_PER_ELEMENT: number }
  >;
  for (const name of ['Uint8Array', 'Int32Array', 'Uint32Array', 'Float32Array', 'Float64Array']) {
    const original = globals[name];
    // `Int32Array.from(...)` makes its result with `this`, which is the proxy too.
    globals[name] = new Proxy(original, {
      construct(made, args, newTarget) {
        if (typeof args[0] === 'number') checked(args[0] * made.BYTES_PER_ELEMENT);
        return Reflect.construct(made, args, newTarget === globals[name] ? made : newTarget);
      },
    });
  }
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original = Buffer[name];
    Buffer[name] = (size: number, ...rest: []) => {
      checked(size);
      return original(size, ...rest);
    };
  }
}
