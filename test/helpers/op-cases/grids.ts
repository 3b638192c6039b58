import type { Draw } from '../random';
import { offsetsOf } from './paths';

/** Grids, one for each sequence, of which only some places have a row. */
export type GridCase = {
  /** `[height, width]` */
  grid: [number, number];
  /** For each sequence the share of the places that have a row; it keeps at least one unless the share is 0. */
  keep: number[];
};

/** Where the rows of packed sequences are, and the row at each place: `[places, sequences]`, -1 for none. */
export function buildGrid({ grid: [height, width], keep }: GridCase, draw: Draw) {
  const places = height * width;
  const positions = keep.map((share) => {
    const some = draw.some(Array(places).keys(), share);
    return some.length > 0 || share === 0 ? some : [draw.int(0, places - 1)];
  });
  const offsets = offsetsOf(positions.map(({ length }) => length));
  const rowAt = new Int32Array(places * keep.length).fill(-1);
  positions.forEach((of, s) => {
    of.forEach((position, i) => {
      rowAt[position * keep.length + s] = offsets[s] + i;
    });
  });
  return { rows: offsets[keep.length], positions: positions.flat(), offsets, rowAt };
}
