// Image patches: the part of a line of a window that lies inside of its image is one run of the image's memory where channels
// are innermost, and a run of every plane where they are not; zeros are around it.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// Columns begin <= dx < end of a window lie inside of its image. The part of a line that they are goes to `out`.
struct Columns {
  int64_t first;  // of the image
  int64_t begin, end;

  Columns(const ImagePatchesParams& p, int64_t x)
      : first(x), begin(min(max(-x, 0), p.kernel)), end(max(begin, min(p.width - x, p.kernel))) {}
};

void fill_zeros(float* out, int64_t count) { memset(out, 0, size_t(count) * sizeof(float)); }

void copy(const float* x, int64_t count, bool relu, float* out) {
  for (int64_t i = 0; i < count; i += kWidth) {
    const Vec v = load_some(x + i, count - i);
    store_some(out + i, relu ? max(set1(0), v) : v, count - i);
  }
}

// out[dx * channels + c] = the pixel of plane c; kChannels = 0: any number of planes.
template <int kChannels>
void interleave(const float* x, int64_t plane, int64_t channels, int64_t count, bool relu, float* out) {
  if (kChannels) channels = kChannels;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < channels; ++c) {
      const float v = x[c * plane + i];
      out[i * channels + c] = relu && v < 0 ? 0 : v;
    }
}

// Columns `begin` to `end` of line y of an image.
void copy_line(const ImagePatchesParams& p, int64_t image, int64_t y, const Columns& columns, float* out) {
  const int64_t count = columns.end - columns.begin, x = columns.first + columns.begin;
  if (!p.planar)
    return copy(p.x.f32() + ((image * p.height + y) * p.width + x) * p.channels, count * p.channels, p.relu, out);
  const int64_t plane = int64_t(p.height) * p.width;
  const float* from = p.x.f32() + image * p.channels * plane + y * p.width + x;
  if (p.channels == 3)
    interleave<3>(from, plane, p.channels, count, p.relu, out);
  else
    interleave<0>(from, plane, p.channels, count, p.relu, out);
}

void write_row(const ImagePatchesParams& p, int64_t place, float* out) {
  const int64_t line = place / p.out_width, image = line / p.out_height;
  const int64_t y = line % p.out_height * p.stride - p.padding;
  const Columns columns(p, place % p.out_width * p.stride - p.padding);
  const int64_t channels = p.channels, width = p.kernel * channels;
  for (int64_t dy = 0; dy < p.kernel; ++dy, out += width) {
    if (y + dy < 0 || y + dy >= p.height || columns.begin == columns.end) {
      fill_zeros(out, width);
      continue;
    }
    fill_zeros(out, columns.begin * channels);
    copy_line(p, image, y + dy, columns, out + columns.begin * channels);
    fill_zeros(out + columns.end * channels, width - columns.end * channels);
  }
}

Status run(const ImagePatchesParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t width = int64_t(p.kernel) * p.kernel * p.channels;
  parallel_rows(ctx.pool, p.rows, width, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) write_row(p, p.first_row + i, p.out.f32() + i * width);
  });
  return {};
}

}  // namespace

const Op<ImagePatchesParams> image_patches = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
