import type Sharp from 'sharp';
import { SkipscanError } from '../errors';

/**
 * The package that decodes and encodes image files. It is loaded when it is first used: language models need no images, and
 * its own binaries may be missing on a platform.
 *
 * @throws SkipscanError `ERR_UNSUPPORTED` where it cannot be loaded, with a command to run.
 */
export async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    const [reason] = String((cause as Error)?.message ?? cause)
      .trim()
      .split('\n');
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `Image files need the package sharp, which could not be loaded: ${reason}. To install it, run: npm install sharp`,
      { cause },
    );
  }
}
