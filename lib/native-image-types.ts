// The images' part of the addon's surface, as csrc/binding/image_wrap.cc has it.

export type NativeImages = {
  /**
   * Resamples an 8-bit RGB image `[from.height, from.width, 3]` to the size `to`, and resolves with the part of it that lies
   * in `crop`, `[crop.height, crop.width, 3]`. Bicubic, to the bit as Pillow's `resize(size, BICUBIC)`; nothing outside of the
   * crop is computed. `pixels` must stay attached until then.
   */
  resampleImage(
    pixels: Uint8Array,
    from: NativeImageSize,
    to: NativeImageSize,
    crop: NativeImageBox,
  ): Promise<Uint8Array>;
};

export type NativeImageSize = { width: number; height: number };

export type NativeImageBox = NativeImageSize & { left: number; top: number };
