import { type ErrorCode, SkipscanError } from '../../../lib/errors';

/** What a reader promises of any input was not kept. */
export class Violation extends Error {}

export function expect(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Violation(promise);
}

/**
 * What `read` returns, or undefined when it refuses the input in the way it may: with a SkipscanError of one of these codes and
 * a message that fits on a screen. Any other error goes on.
 */
export function attempt<T>(codes: readonly ErrorCode[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    checkRefusal(codes, error);
    return undefined;
  }
}

/** The same for a reader that takes its time. */
export async function attemptAsync<T>(
  codes: readonly ErrorCode[],
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    checkRefusal(codes, error);
    return undefined;
  }
}

function checkRefusal(codes: readonly ErrorCode[], error: unknown): void {
  if (!(error instanceof SkipscanError)) throw error;
  expect(
    codes.includes(error.code),
    `an error of the kind ${codes.join(' or ')}, not ${error.code}: ${error.message}`,
  );
  expect(
    error.message.length < 1000,
    `a message below 1000 characters, not ${error.message.length}: ${error.message}`,
  );
}

/** No name in an input may become a property of all objects: what is assigned to a prototype shows up in this loop. */
export function checkPrototypes(): void {
  for (const name in []) throw new Violation(`prototypes that stay as they are, without ${name}`);
}
