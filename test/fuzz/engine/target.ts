import type { Draw } from '../../helpers/random';

/** Changes an input. Never writes to it. */
export type Mutate = (input: Buffer, draw: Draw, other: Buffer) => Buffer;

/** One reader under test. */
export type Target = {
  name: string;
  /** Inputs to begin with: real ones, small. */
  seeds(): Buffer[] | Promise<Buffer[]>;
  /** Besides changes of bytes: those that know what the input is made of. */
  mutators: readonly Mutate[];
  /**
   * Reads an input. Fails with anything but a `SkipscanError` of the right kind when the reader has a fault; see check.ts.
   */
  run(input: Buffer): void | Promise<void>;
};
