import { canDrawText, shorten, textLayer } from '../../../lib/vision/text-layer';

/** A stand-in for sharp that draws each letter as `picture` says. */
const drawing = (picture: (svg: string) => string) =>
  ((svg: Buffer) => ({
    raw: () => ({ toBuffer: async () => Buffer.from(picture(svg.toString())) }),
  })) as never;

test('a system whose letters all look the same has no font', async () => {
  expect(await canDrawText(drawing(() => 'an empty box'))).toBe(false);
  expect(await canDrawText(drawing((svg) => svg))).toBe(true);
});

test('text is escaped, and what XML cannot hold becomes a blank', () => {
  const svg = textLayer(9, 9, [{ x: 1, y: 2, text: 'a<b & \u0000\ud800c \u{1f41f}' }]).toString();
  expect(svg).toContain('>a&lt;b &amp;   c \u{1f41f}</text>');
});

test('text that is too long is cut', () => {
  expect(shorten('after layer 5: 157 of 197 patches', 224)).toBe('after layer 5: 157 of 197 patches');
  expect(shorten('black and gold garden spider, Argiope aurantia', 224)).toBe(
    'black and gold garden spider, Arg…',
  );
});
