import type Sharp from 'sharp';

export type Text = { x: number; y: number; text: string; anchor?: 'end' };

const fontSize = 13;
const style = `font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="${fontSize}" fill="#24292f"`;

/** Lines of text on nothing, as an SVG document; `x` and `y` are where a line's letters stand. */
export function textLayer(width: number, height: number, texts: readonly Text[]): Buffer {
  const elements = texts.map(
    ({ x, y, text, anchor = 'start' }) =>
      `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeXml(text)}</text>`,
  );
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g ${style}>${elements.join('')}</g></svg>`,
  );
}

/** Cut to what fits into so many pixels, by the usual width of a letter. */
export function shorten(text: string, width: number): string {
  const most = Math.floor(width / (0.5 * fontSize));
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

/** Whether the system has a font. Where it has none every letter comes out as the same empty box, or as nothing. */
export async function canDrawText(sharp: typeof Sharp): Promise<boolean> {
  const [narrow, wide] = await Promise.all(
    ['i', 'M'].map((text) =>
      sharp(textLayer(24, 24, [{ x: 2, y: 18, text }]))
        .raw()
        .toBuffer(),
    ),
  );
  return !narrow.equals(wide);
}

function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what XML cannot hold
  const printable = text.replace(/[\u0000-\u001f\p{Cs}\ufffe\uffff]/gu, ' ');
  return printable.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
