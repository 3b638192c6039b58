// Bicubic resampling of 8-bit RGB images with the same result, bit for bit, as Pillow's Image.resize(size, BICUBIC): vision
// models were evaluated on images that Pillow made smaller.
#pragma once
#include <cstdint>

namespace skipscan::image {

struct Size {
  int64_t width, height;
};
struct Box {
  int64_t left, top, width, height;
};

// Resamples `pixels` [from.height, from.width, 3] to the size `to` and writes what lies in `crop` of the result to `out`
// [crop.height, crop.width, 3]; nothing outside of it is computed. Sizes are at least 1, and `crop` lies within `to`. A side
// whose length stays the same is copied. Throws bad_alloc.
void resample_bicubic(const uint8_t* pixels, Size from, Size to, Box crop, uint8_t* out);

}  // namespace skipscan::image
