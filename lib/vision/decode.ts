import { types } from 'node:util';
import type Sharp from 'sharp';
import { describe, invalidArgument, mismatch } from '../errors';
import { readRegular } from '../regular-file';
import { inPieces } from '../turns';
import type { RgbImage } from './image';
import { loadSharp } from './sharp';

const formats = 'a JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG image';
/** sharp's own limit: 16383 x 16383 pixels, 0.8 GB once decoded. */
const mostPixels = 0x3fff * 0x3fff;

/**
 * Decodes an image file, given as a path or as its content, to 8-bit RGB. `label` names the argument in errors.
 *
 * The values are those of Pillow's `Image.open(file).convert('RGB')`, with which vision models were evaluated: alpha is dropped
 * rather than blended, grey and palettes are expanded, colour profiles are ignored, CMYK is converted by its plain formula. Of
 * 16 bits the upper 8 count, and of an animation or of several pages the first. In contrast to that call the image is turned
 * upright where its EXIF data say so; docs/images.md says why.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for what is missing, empty, truncated, damaged, not an image or of more than 268
 * megapixels; `ERR_UNSUPPORTED` where the package sharp cannot be loaded.
 */
export async function decodeImage(source: string | Uint8Array, label = 'image'): Promise<RgbImage> {
  const refuse = (found: string, expected = formats) =>
    mismatch(label, expected, `${nameOf(source)}, ${found}`);
  const bytes = types.isUint8Array(source) ? source : await readImageFile(source, label);
  if (bytes.length === 0) throw refuse('which is empty');

  const sharp = await loadSharp();
  const metadata = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause) => {
      if (!/unsupported image format/.test(cause.message)) throw refuse(`which ${damage(cause)}`);
      throw refuse(`not recognised as one of these: it begins with the bytes ${hex(bytes.subarray(0, 8))}`);
    });
  const size = `${metadata.width} x ${metadata.height}`;
  const pixels = metadata.width * metadata.height;
  if (pixels > mostPixels) {
    throw refuse(
      `which has ${Math.round(pixels / 1e6)} megapixels (${size})`,
      'an image of at most 268 megapixels',
    );
  }
  try {
    // Damage is an error, but not what decoders merely warn of: Pillow reads such files too.
    return await decode(sharp(bytes, { failOn: 'error', ignoreIcc: true, autoOrient: true }), metadata);
  } catch (cause) {
    throw refuse(`a ${metadata.format.toUpperCase()} of ${size} that ${damage(cause as Error)}`);
  }
}

/** Paths as they are: a shortened one would not be found again. */
function nameOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? JSON.stringify(source) : describe(source);
}

async function readImageFile(path: string, label: string): Promise<Uint8Array> {
  if (typeof path !== 'string') {
    throw invalidArgument(label, 'a path, or the content of an image file as a Uint8Array', path);
  }
  try {
    return await readRegular(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problems: Record<string, string> = {
      ENOENT: /^https?:/.test(path)
        ? 'which is not a file: fetch the URL and pass the bytes'
        : 'which does not exist',
      EISDIR: 'which is a folder',
    };
    throw mismatch(
      label,
      'an image file',
      `${nameOf(path)}, ${problems[code ?? ''] ?? `which cannot be read (${message})`}`,
    );
  }
}

async function decode(image: Sharp.Sharp, { space }: Sharp.Metadata): Promise<RgbImage> {
  const isCmyk = space === 'cmyk';
  const converted = isCmyk
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb');
  const { data, info } = await converted.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: isCmyk ? await cmykToRgb(data) : data, width: info.width, height: info.height };
}

/** What the inks leave of white, `(255 - k)(255 - c) / 255`, in whole numbers and rounded as Pillow does it. */
async function cmykToRgb(cmyk: Uint8Array): Promise<Uint8Array> {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  let to = 0;
  await inPieces(cmyk, (pixels) => {
    for (let from = 0; from < pixels.length; from += 4) {
      const light = 255 - pixels[from + 3];
      for (let channel = 0; channel < 3; channel += 1, to += 1) {
        const product = pixels[from + channel] * light + 128;
        rgb[to] = light - (((product >> 8) + product) >> 8);
      }
    }
  });
  return rgb;
}

/** The decoder's first line, without sharp's own words before it. */
function damage({ message }: Error): string {
  const [line] = message.replace(/^Input (buffer|file) has corrupt header: /, '').split('\n');
  return `is truncated or damaged (${line})`;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
