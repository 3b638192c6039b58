import { heatColour, type Rgb, shares } from './colour-map';
import type { RgbImage } from './image';
import type { Cell } from './patches';

/** The background of figures, and of the hatched patches that are gone. */
const white: Rgb = [255, 255, 255];
const hatchLight: Rgb = [240, 240, 242];
const hatchDark: Rgb = [214, 214, 219];
const hatchPeriod = 8;

/** A white image to paint on. */
export function blank(width: number, height: number): RgbImage {
  return { data: new Uint8Array(width * height * 3).fill(white[0]), width, height };
}

/** Copies `image` onto `canvas`, with its upper left corner there. */
export function paste(canvas: RgbImage, image: RgbImage, left: number, top: number): void {
  const row = image.width * 3;
  for (let y = 0; y < image.height; y += 1) {
    canvas.data.set(image.data.subarray(y * row, (y + 1) * row), ((top + y) * canvas.width + left) * 3);
  }
}

/** The image with the cells that are not kept drained of colour and light: what the model still sees stands out. */
export function maskedImage(image: RgbImage, cells: readonly Cell[], kept: ReadonlySet<number>): RgbImage {
  const masked = { ...image, data: image.data.slice() };
  for (const [i, cell] of cells.entries()) {
    if (!kept.has(i)) fill(masked, cell, (_x, _y, at) => faded(image.data, at));
  }
  return masked;
}

/** A heat map over the patches that have scores; all others are hatched. */
export function heatMap(
  width: number,
  height: number,
  cells: readonly Cell[],
  patches: ArrayLike<number>,
  scores: ArrayLike<number>,
): RgbImage {
  const map = blank(width, height);
  fill(map, { left: 0, top: 0, right: width, bottom: height }, hatch);
  for (const [i, share] of shares(scores).entries()) {
    const colour = heatColour(share);
    fill(map, cells[patches[i]], () => colour);
  }
  return map;
}

/** A bar of the heat map's colours, from low at the left to high at the right. */
export function colourBar(width: number, height: number): RgbImage {
  const bar = blank(width, height);
  fill(bar, { left: 0, top: 0, right: width, bottom: height }, (x) => heatColour(x / (width - 1)));
  return bar;
}

/** A sample of the hatching. */
export function hatching(width: number, height: number): RgbImage {
  const sample = blank(width, height);
  fill(sample, { left: 0, top: 0, right: width, bottom: height }, hatch);
  return sample;
}

function hatch(x: number, y: number): Rgb {
  return (x + y) % hatchPeriod < 2 ? hatchDark : hatchLight;
}

/** Grey, and four fifths of the way to a light grey. */
function faded(data: Uint8Array, at: number): Rgb {
  const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  const value = Math.round(0.2 * grey + 0.8 * 205);
  return [value, value, value];
}

function fill(image: RgbImage, cell: Cell, colour: (x: number, y: number, at: number) => Rgb): void {
  for (let y = cell.top; y < cell.bottom; y += 1) {
    for (let x = cell.left; x < cell.right; x += 1) {
      const at = (y * image.width + x) * 3;
      image.data.set(colour(x, y, at), at);
    }
  }
}
