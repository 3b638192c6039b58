import { mismatch } from '../errors';

/** Where a model's patches lie in its image; they overlap where `stride` is less than `size`. Lengths are in pixels. */
export type PatchGrid = {
  readonly rows: number;
  readonly columns: number;
  readonly size: number;
  readonly stride: number;
};

/** Pixels from `left` up to but not including `right`, and so on. */
export type Cell = { left: number; top: number; right: number; bottom: number };

/**
 * The part of the image that stands for each patch, in raster order: what is nearer to its middle than to any other's. Cells
 * share the whole image out; without overlap they are the patches. `scale` is the number of drawn pixels for one of the image.
 *
 * @throws SkipscanError `ERR_ARGUMENT` where the grid reaches out of the image by more than padding does.
 */
export function patchCells(grid: PatchGrid, width: number, height: number, scale: number): Cell[] {
  const xs = cuts(grid.columns, grid, width, scale, 'columns');
  const ys = cuts(grid.rows, grid, height, scale, 'rows');
  const cells: Cell[] = [];
  for (let y = 0; y < grid.rows; y += 1) {
    for (let x = 0; x < grid.columns; x += 1) {
      cells.push({ left: xs[x], right: xs[x + 1], top: ys[y], bottom: ys[y + 1] });
    }
  }
  return cells;
}

/** Borders of cells along one side: halfway between the middles of two patches. */
function cuts(count: number, { size, stride }: PatchGrid, length: number, scale: number, side: string) {
  if (!((count - 1) * stride < length)) {
    throw mismatch(
      `patches.${side}`,
      `at most ${Math.ceil(length / stride)}, one every ${stride} of ${length} pixels,`,
      `${count}`,
    );
  }
  return Array.from({ length: count + 1 }, (_, i) => {
    if (i === 0) return 0;
    if (i === count) return length * scale;
    return Math.round(((i - 1) * stride + (size + stride) / 2) * scale);
  });
}
