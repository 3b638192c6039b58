import type { Int32s } from '../elements';
import { allocate } from '../elements';
import { describe, mismatch } from '../errors';

/** The arguments of an operator whose rows lie on a grid. */
export type GridOptions = {
  /** `[height, width]`: the places, in raster order. */
  grid: readonly [height: number, width: number];
  /**
   * Where each row is, `y * width + x`, rising within a sequence; a place without a row counts as zeros. Defaults to all places
   * in order: then each sequence has `height * width` rows.
   */
  positions?: Int32s;
  /** Sequence s, a grid of its own, is rows `offsets[s]` to `offsets[s + 1] - 1`. Defaults to one sequence, or `batch` of them. */
  offsets?: Int32s;
};

/** Rows of packed sequences on a grid. */
export type Grid = {
  height: number;
  width: number;
  positions: Int32Array;
  offsets: Int32Array;
  /** `[height * width, sequences]` the row at each place; -1 where there is none. */
  rowAt: Int32Array;
};

/** Checks what says where rows are, of which there are `offsets.at(-1)`; `positions` default to all places. */
export function readGrid(op: string, sides: unknown, offsets: Int32Array, positions?: Int32Array): Grid {
  const [height, width] = readSides(`grid of ops.${op}`, sides);
  const grid = { height, width, offsets, positions: positions ?? everyPlace(op, height, width, offsets) };
  return { ...grid, rowAt: listRows(op, grid) };
}

/** A height and a width. */
export function readSides(name: string, sides: unknown): [height: number, width: number] {
  const isSide = (n: unknown) => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= 0x7fffffff;
  if (Array.isArray(sides) && sides.length === 2 && sides.every(isSide)) return [sides[0], sides[1]];
  const received = Array.isArray(sides) ? `[${sides.slice(0, 4).map(describe).join(', ')}]` : describe(sides);
  throw mismatch(name, '[height, width], two whole numbers above 0,', received);
}

function everyPlace(op: string, height: number, width: number, offsets: Int32Array): Int32Array {
  const places = height * width;
  for (let s = 0; s + 1 < offsets.length; s++) {
    const rows = offsets[s + 1] - offsets[s];
    if (rows === places) continue;
    const expected = `as many places as sequence ${s} has rows, which are ${rows}, or positions of these rows,`;
    throw mismatch(`grid of ops.${op}`, expected, `${height} x ${width}`);
  }
  return Int32Array.from({ length: offsets[offsets.length - 1] }, (_, row) => row % places);
}

function listRows(op: string, { height, width, offsets, positions }: Omit<Grid, 'rowAt'>): Int32Array {
  const [places, sequences] = [height * width, offsets.length - 1];
  const rowAt = (allocate('i32', [places, sequences]) as Int32Array).fill(-1);
  for (let s = 0; s < sequences; s++) {
    for (let row = offsets[s], before = -1; row < offsets[s + 1]; before = positions[row++]) {
      if (positions[row] <= before || positions[row] >= places) {
        const expected = `whole numbers from 0 to ${places - 1} that rise within a sequence`;
        throw mismatch(`positions of ops.${op}`, expected, `${positions[row]} at index ${row}`);
      }
      rowAt[positions[row] * sequences + s] = row;
    }
  }
  return rowAt;
}
