// Files are made on the fly, and read as Pillow's convert('RGB') would have it.
import { readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { decodeImage } from '../../../lib/vision/decode';
import { fixture } from '../../helpers/reference';
import { TemporaryDirectory } from '../../helpers/temporary';

const pillow = JSON.parse(readFileSync(fixture('vision/decode/pillow.json'), 'utf8'));
const files = new TemporaryDirectory();
const bytes = (image: Sharp) => image.toBuffer();
const raw = (width: number, height: number, channels: 1 | 2 | 3 | 4, values: ArrayLike<number>) =>
  sharp(Uint8Array.from(values), { raw: { width, height, channels } });
const decoded = async (source: string | Uint8Array) => {
  const { data, width, height } = await decodeImage(source);
  return { width, height, data: [...data] };
};
const pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 40, 50, 60, 70, 80, 90];
const image = { width: 3, height: 2, data: pixels };

test('a path and bytes; a Uint8Array that is a part of a larger buffer', async () => {
  const png = await bytes(raw(3, 2, 3, pixels).png());
  const within = new Uint8Array(png.length + 5);
  within.set(png, 5);
  expect(await decoded(files.write('a.png', png))).toEqual(image);
  expect(await decoded(png)).toEqual(image);
  expect(await decoded(within.subarray(5))).toEqual(image);
});

test('alpha is dropped, not blended', async () => {
  const rgba = [200, 100, 50, 0, 1, 2, 3, 128];
  expect((await decoded(await bytes(raw(2, 1, 4, rgba).png()))).data).toEqual([200, 100, 50, 1, 2, 3]);
  const lossless = await bytes(raw(2, 1, 4, rgba).webp({ lossless: true, exact: true }));
  expect((await decoded(lossless)).data).toEqual([200, 100, 50, 1, 2, 3]);
});

test('grey, with and without alpha, becomes three channels', async () => {
  const want = [7, 7, 7, 250, 250, 250];
  expect((await decoded(await bytes(raw(2, 1, 1, [7, 250]).png().toColourspace('b-w')))).data).toEqual(want);
  const withAlpha = raw(2, 1, 2, [7, 0, 250, 99]).toColourspace('b-w').png();
  expect((await decoded(await bytes(withAlpha))).data).toEqual(want);
});

test('a palette is expanded', async () => {
  const png = await bytes(raw(3, 2, 3, pixels).png({ palette: true, colours: 8, dither: 0 }));
  expect(png.includes('PLTE')).toBe(true);
  expect(await decoded(png)).toEqual(image);
});

test('of 16 bits the upper 8 count, in colour and in grey', async () => {
  const samples = Uint16Array.from({ length: 96 }, (_, i) => i * 682 + 129);
  const want = [...samples].map((sample) => sample >> 8);
  const make = async (channels: 1 | 3, space: string) => {
    const options = { raw: { width: 96 / channels, height: 1, channels } };
    const png = await sharp(samples, options).toColourspace(space).png().toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    return (await decoded(png)).data;
  };
  expect(await make(3, 'rgb16')).toEqual(want);
  expect((await make(1, 'grey16')).filter((_, i) => i % 3 === 0)).toEqual(want);
});

// test/fixtures/vision/decode: made and read by Pillow.
test.each(Object.entries(pillow.files as Record<string, { width: number; height: number; rgb: string }>))(
  '%s is what Pillow reads',
  async (name, { width, height, rgb }) => {
    const file = fixture(`vision/decode/${name}`);
    expect((await sharp(file).metadata()).space).toBe(name.startsWith('cmyk') ? 'cmyk' : 'srgb');
    expect(await decoded(file)).toEqual({ width, height, data: [...Buffer.from(rgb, 'base64')] });
  },
);

test('a colour profile is ignored', async () => {
  const input = { create: { width: 9, height: 9, channels: 3 as const, background: '#c83214' } };
  const png = await sharp(input).withIccProfile('p3').png().toBuffer();
  expect((await sharp(png).metadata()).icc).toBeDefined();
  const stored = await sharp(png, { ignoreIcc: true }).raw().toBuffer();
  expect([...stored.subarray(0, 3)]).not.toEqual([200, 50, 20]); // the profile does change the stored values
  expect((await decoded(png)).data.slice(0, 3)).toEqual([...stored.subarray(0, 3)]);
});

test.each([
  [1, [1, 2, 3, 4, 5, 6]],
  [3, [6, 5, 4, 3, 2, 1]],
  [6, [4, 1, 5, 2, 6, 3]],
  [8, [3, 6, 2, 5, 1, 4]],
  [2, [3, 2, 1, 6, 5, 4]],
])('EXIF orientation %d is turned upright', async (orientation, order) => {
  const grey = [1, 2, 3, 4, 5, 6].flatMap((value) => [value, value, value]);
  const png = await bytes(raw(3, 2, 3, grey).withMetadata({ orientation }).png());
  const { data, width, height } = await decoded(png);
  expect([width, height]).toEqual(orientation >= 5 ? [2, 3] : [3, 2]);
  expect(data.filter((_, i) => i % 3 === 0)).toEqual(order);
});

test('of an animation the first picture counts', async () => {
  const red = await bytes(raw(1, 1, 3, [255, 0, 0]).png());
  const blue = await bytes(raw(1, 1, 3, [0, 0, 255]).png());
  const gif = await bytes(sharp([red, blue], { join: { animated: true } }).gif());
  expect((await sharp(gif).metadata()).pages).toBe(2);
  expect(await decoded(gif)).toEqual({ width: 1, height: 1, data: [255, 0, 0] });
});

test('one pixel', async () => {
  expect(await decoded(await bytes(raw(1, 1, 3, [9, 8, 7]).png()))).toEqual({
    width: 1,
    height: 1,
    data: [9, 8, 7],
  });
});

describe('what is refused', () => {
  const noise = Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
  const formats = 'Expected a JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG image for images\\[0\\] but received';
  const error = async (source: string | Uint8Array) => {
    const work = decodeImage(source, 'images[0]');
    await expect(work).rejects.toMatchObject({ name: 'SkipscanError', code: 'ERR_ARGUMENT' });
    return work.catch(({ message }) => message as string);
  };

  test.each(['jpeg', 'png', 'webp', 'gif'] as const)('a truncated %s', async (format) => {
    const whole = await raw(64, 64, 3, noise).toFormat(format, { quality: 90 }).toBuffer();
    for (const length of [whole.length >> 1, whole.length >> 3]) {
      expect(await error(whole.subarray(0, length))).toMatch(
        new RegExp(`^${formats} Uint8Array\\(${length} bytes\\), .*is truncated or damaged \\(.+\\)\\.$`),
      );
    }
  });

  test('a truncated TIFF, whose directory is at its end', async () => {
    const whole = await raw(64, 64, 3, noise).tiff().toBuffer();
    expect(await error(whole.subarray(0, whole.length >> 1))).toMatch(
      new RegExp(`^${formats} .*, not recognised as one of these: it begins with the bytes 49 49 2a 00 `),
    );
  });

  test('a truncated JPEG file, with its size', async () => {
    const whole = await raw(64, 64, 3, noise).jpeg().toBuffer();
    const file = files.write('half.jpg', whole.subarray(0, whole.length >> 1));
    expect(await error(file)).toMatch(
      /half\.jpg", a JPEG of 64 x 64 that is truncated or damaged \(VipsJpeg: premature end of JPEG image\)\.$/,
    );
  });

  test('a file that is not an image', async () => {
    expect(await error(files.write('a.txt', 'BM is not enough'))).toMatch(
      new RegExp(
        `^${formats} ".*a\\.txt", not recognised as one of these: it begins with the bytes 42 4d 20 69 73 `,
      ),
    );
  });

  test('nothing', async () => {
    expect(await error(new Uint8Array(0))).toMatch(/received Uint8Array\(0 bytes\), which is empty\.$/);
    expect(await error(files.write('empty.png', ''))).toMatch(/empty\.png", which is empty\.$/);
  });

  test('what is not a file', async () => {
    const expected = 'Expected an image file for images\\[0\\] but received';
    expect(await error('no/such.jpg')).toMatch(
      new RegExp(`^${expected} "no/such.jpg", which does not exist\\.$`),
    );
    expect(await error(files.path)).toMatch(/", which is a folder\.$/);
    expect(await error(`${files.write('file', 'x')}/b`)).toMatch(/", which cannot be read \(ENOTDIR/);
    expect(await error('https://host/a.jpg')).toMatch(/is not a file: fetch the URL and pass the bytes\.$/);
  });

  test('another type', async () => {
    expect(await error(5 as never)).toBe(
      'Expected a path, or the content of an image file as a Uint8Array for images[0] but received 5.',
    );
  });

  test('more than 268 megapixels, before they are decoded', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="15000"/>');
    expect(await error(svg)).toMatch(
      /^Expected an image of at most 268 megapixels for images\[0\] but received .*, which has 300 megapixels \(20000 x 15000\)\.$/,
    );
  });
});
