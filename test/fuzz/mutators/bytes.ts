import type { Draw } from '../../helpers/random';
import { literals } from '../engine/instrument';

/** Numbers at which checks turn: around powers of two, and what no number may be. */
const extremes = [
  0n,
  1n,
  2n,
  7n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
];

/** One change of bytes, whatever they mean. */
export function mutateBytes(input: Buffer, draw: Draw, other: Buffer): Buffer {
  const at = draw.int(0, input.length);
  const length = Math.min(input.length - at, 1 << draw.int(0, 6));
  const before = input.subarray(0, at);
  const piece = input.subarray(at, at + length);
  const after = input.subarray(at + length);
  switch (draw.int(0, 9)) {
    case 0:
      return flipped(input, at, 1 << draw.int(0, 7));
    case 1:
      return Buffer.concat([before, Buffer.of(draw.int(0, 255)), input.subarray(at + 1)]);
    case 2:
      return Buffer.concat([before, after]);
    case 3:
      return Buffer.concat([before, piece, piece, after]);
    case 4:
      return Buffer.concat([before, piece.map(() => draw.pick([0, 255, 127, 128, 48, 34])), after]);
    case 5:
      return Buffer.concat([before, other.subarray(draw.int(0, other.length)).subarray(0, length), after]);
    case 6:
      return Buffer.concat([before, other.subarray(draw.int(0, other.length))]);
    case 7:
      return Buffer.concat([
        before,
        Buffer.from(drawLiteral(draw)),
        draw.next() < 0.5 ? after : input.subarray(at),
      ]);
    case 8:
      return withInteger(input, draw, at);
    default:
      return input.subarray(0, at);
  }
}

function flipped(input: Buffer, at: number, bits: number): Buffer {
  if (at >= input.length) return input;
  const changed = Buffer.from(input);
  changed[at] ^= bits;
  return changed;
}

/** A little-endian integer of 2, 4 or 8 bytes becomes another: an extreme one, a size or place of the input, or a neighbour. */
export function withInteger(input: Buffer, draw: Draw, at: number, size = draw.pick([2, 4, 8])): Buffer {
  if (at + size > input.length) return input;
  const changed = Buffer.from(input);
  const found = changed.readUIntLE(at, Math.min(size, 6));
  const value = draw.pick([
    draw.pick(extremes),
    BigInt(draw.int(0, input.length)),
    BigInt(found + draw.int(-4, 4)),
  ]);
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(BigInt.asUintN(64, value));
  field.copy(changed, at, 0, size);
  return changed;
}

/** A string of the code under test. */
export function drawLiteral(draw: Draw): string {
  return draw.pick(literalList());
}

let list: string[] = [];
function literalList(): string[] {
  if (list.length !== literals.strings.size + names.length) list = [...literals.strings, ...names];
  return list;
}

/** Names that mean something to objects of JavaScript. */
const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'length',
  'toJSON',
  'then',
];
