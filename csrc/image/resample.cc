#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace skipscan::image {
namespace {

// Weights are whole numbers of 1 / 2^22: 8 bits of a sample, one for the sign and one for sums of weights above 1 fill the
// rest of 32. A pass rounds its sums to 8 bits, so the intermediate image is one of bytes too.
constexpr int kFractionBits = 22;
constexpr int kChannels = 3;

// Keys' cubic convolution with a = -0.5: 1 at 0, and 0 at the other whole numbers and from 2 on.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Which samples of a line make those of a stretch of the resampled line, and with which weights.
class Taps {
 public:
  // `begin` and `length`: the stretch. Making a line shorter widens the kernel by the same factor, against aliasing.
  Taps(int64_t from, int64_t to, int64_t begin, int64_t length) {
    const double scale = double(from) / double(to);
    const double widening = std::max(scale, 1.0);
    const double support = 2 * widening;
    most_ = int64_t(std::ceil(support)) * 2 + 1;
    first_.resize(size_t(length));
    count_.resize(size_t(length));
    weights_.resize(size_t(length * most_));
    std::vector<double> exact(static_cast<size_t>(most_));
    for (int64_t i = 0; i < length; ++i) {
      const double center = (double(begin + i) + 0.5) * scale;
      const int64_t first = std::max<int64_t>(int64_t(center - support + 0.5), 0);
      const int64_t count = std::min<int64_t>(int64_t(center + support + 0.5), from) - first;
      double sum = 0;
      for (int64_t k = 0; k < count; ++k) {
        exact[size_t(k)] = cubic((double(k + first) - center + 0.5) * (1 / widening));
        sum += exact[size_t(k)];
      }
      int32_t* weights = &weights_[size_t(i * most_)];
      for (int64_t k = 0; k < count; ++k) {
        const double weight = (exact[size_t(k)] / sum) * double(1 << kFractionBits);
        weights[k] = int32_t(weight < 0 ? weight - 0.5 : weight + 0.5);
      }
      first_[size_t(i)] = first;
      count_[size_t(i)] = count;
    }
  }

  int64_t first(int64_t i) const { return first_[size_t(i)]; }
  int64_t count(int64_t i) const { return count_[size_t(i)]; }
  int64_t end(int64_t i) const { return first(i) + count(i); }
  const int32_t* weights(int64_t i) const { return &weights_[size_t(i * most_)]; }

 private:
  int64_t most_;
  std::vector<int64_t> first_, count_;
  std::vector<int32_t> weights_;
};

constexpr int32_t kHalf = 1 << (kFractionBits - 1);

uint8_t to_byte(int32_t sum) { return uint8_t(std::clamp(sum >> kFractionBits, 0, 255)); }

// out[x] = sum of weights * row[x's taps]
void resample_row(const uint8_t* row, const Taps& taps, int64_t width, uint8_t* out) {
  for (int64_t x = 0; x < width; ++x, out += kChannels) {
    const uint8_t* in = row + taps.first(x) * kChannels;
    const int32_t* weights = taps.weights(x);
    int32_t red = kHalf, green = kHalf, blue = kHalf;
    for (int64_t k = 0; k < taps.count(x); ++k, in += kChannels) {
      red += in[0] * weights[k];
      green += in[1] * weights[k];
      blue += in[2] * weights[k];
    }
    out[0] = to_byte(red);
    out[1] = to_byte(green);
    out[2] = to_byte(blue);
  }
}

// Rows of an image, from its row `first` on.
struct Rows {
  const uint8_t* data;
  int64_t stride, first;

  const uint8_t* row(int64_t y) const { return data + (y - first) * stride; }
};

// Every row of `out`, of `bytes` bytes, is the weighted sum of the rows in its taps.
void mix_rows(const Rows& in, const Taps& taps, int64_t rows, int64_t bytes, uint8_t* out) {
  std::vector<int32_t> sums(static_cast<size_t>(bytes));
  for (int64_t y = 0; y < rows; ++y, out += bytes) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int64_t k = 0; k < taps.count(y); ++k) {
      const uint8_t* row = in.row(taps.first(y) + k);
      const int32_t weight = taps.weights(y)[k];
      for (int64_t i = 0; i < bytes; ++i) sums[size_t(i)] += row[i] * weight;
    }
    for (int64_t i = 0; i < bytes; ++i) out[i] = to_byte(sums[size_t(i)]);
  }
}

}  // namespace

void resample_bicubic(const uint8_t* pixels, Size from, Size to, Box crop, uint8_t* out) {
  const Taps vertical(from.height, to.height, crop.top, crop.height);
  const int64_t bytes = crop.width * kChannels;
  const bool same_height = from.height == to.height;
  const int64_t begin = same_height ? crop.top : vertical.first(0);
  const int64_t end = same_height ? crop.top + crop.height : vertical.end(crop.height - 1);

  const int64_t stride = from.width * kChannels;
  Rows rows{pixels + begin * stride + crop.left * kChannels, stride, begin};
  std::vector<uint8_t> narrowed;
  if (from.width != to.width) {
    const Taps horizontal(from.width, to.width, crop.left, crop.width);
    narrowed.resize(size_t((end - begin) * bytes));
    for (int64_t y = begin; y < end; ++y) {
      resample_row(pixels + y * stride, horizontal, crop.width, &narrowed[size_t((y - begin) * bytes)]);
    }
    rows = {narrowed.data(), bytes, begin};
  }

  if (!same_height) return mix_rows(rows, vertical, crop.height, bytes, out);
  for (int64_t y = 0; y < crop.height; ++y) std::memcpy(out + y * bytes, rows.row(begin + y), size_t(bytes));
}

}  // namespace skipscan::image
