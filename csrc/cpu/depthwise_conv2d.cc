// Depthwise convolution over a grid. A task is a block of channels of one sequence: it copies the inputs of the block together,
// where the rows of a window stay in the first cache, and then holds the channels of a row in registers while it walks over the
// taps that meet a row. Which ones these are is the same for all channels, so they are listed beforehand.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kBlock = 64;  // channels of a task
constexpr int kVectors = 4;     // of channels, in registers
constexpr int64_t kStrip = kVectors * kWidth;
static_assert(kBlock % kStrip == 0);

// A tap that meets a row: which row of its sequence, and which row of the window's weights.
struct Tap {
  int32_t row, weight;
};

// What all tasks share.
struct Shared {
  float* weights;   // (blocks, size * size, kBlock), zeros behind the last channel
  Tap* taps;        // (rows, size * size), of which the first counts[row] are there
  int32_t* counts;  // (rows)

  Shared(const DepthwiseConv2dParams& p, int64_t blocks, ThreadPool& pool) {
    const int64_t window = int64_t(p.size) * p.size, floats = blocks * window * kBlock;
    pool.reserve_shared(size_t(floats) * sizeof(float) +
                        size_t(p.rows) * (size_t(window) * sizeof(Tap) + sizeof(int32_t)));
    weights = pool.shared<float>();
    taps = reinterpret_cast<Tap*>(weights + floats);
    counts = reinterpret_cast<int32_t*>(taps + p.rows * window);
  }
};

// Copies the n <= kBlock floats of one row of a block; zeros behind them.
void copy_channels(const float* x, const float* added, int64_t n, float* out) {
  for (int64_t c = 0; c < kBlock; c += kWidth) {
    Vec v = c < n ? load_some(x + c, n - c) : set1(0);
    if (added && c < n) v = v + load_some(added + c, n - c);
    store(out + c, v);
  }
}

void pack_weights(const DepthwiseConv2dParams& p, int64_t block, float* out) {
  const int64_t c = block * kBlock, n = min(p.channels - c, kBlock), window = int64_t(p.size) * p.size;
  for (int64_t tap = 0; tap < window; ++tap)
    copy_channels(p.weight + tap * p.channels + c, nullptr, n, out + tap * kBlock);
}

// Returns how many there are.
int32_t list_taps(const DepthwiseConv2dParams& p, int64_t sequence, int64_t row, Tap* taps) {
  const int64_t y = p.positions[row] / p.width - p.size / 2, x = p.positions[row] % p.width - p.size / 2;
  const int64_t y_end = min(p.size, p.height - y), x_end = min(p.size, p.width - x);
  int32_t count = 0;
  for (int64_t dy = max(-y, 0); dy < y_end; ++dy)
    for (int64_t dx = max(-x, 0); dx < x_end; ++dx) {
      const int32_t met = p.row_at[((y + dy) * p.width + x + dx) * p.sequences + sequence];
      taps[count] = {met - p.offsets[sequence], int32_t(dy * p.size + dx)};
      count += met >= 0;
    }
  return count;
}

Vec activate(Activation activation, Vec v) {
  switch (activation) {
    case Activation::none: return v;
    case Activation::silu: return silu(v);
    case Activation::gelu: return gelu(v);
  }
  return v;
}

// The first n <= kStrip channels of `out`.
void convolve_row(const Tap* taps, int32_t count, const float* x, const float* weights, const float* bias,
                  Activation activation, int64_t n, float* out) {
  Vec total[kVectors];
  for (int j = 0; j < kVectors; ++j)
    total[j] = bias && j * kWidth < n ? load_some(bias + j * kWidth, n - j * kWidth) : set1(0);
  for (int32_t i = 0; i < count; ++i) {
    const float *input = x + int64_t(taps[i].row) * kBlock, *weight = weights + int64_t(taps[i].weight) * kBlock;
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) total[j] = fma(load(input + j * kWidth), load(weight + j * kWidth), total[j]);
  }
  for (int j = 0; j < kVectors && j * kWidth < n; ++j)
    store_some(out + j * kWidth, activate(activation, total[j]), n - j * kWidth);
}

void convolve_block(const DepthwiseConv2dParams& p, const Shared& shared, int64_t sequence, int64_t block,
                    float* inputs) {
  const int64_t begin = p.offsets[sequence], end = p.offsets[sequence + 1], window = int64_t(p.size) * p.size;
  const int64_t first = block * kBlock, n = min(p.channels - first, kBlock);
  for (int64_t row = begin; row < end; ++row)
    copy_channels(p.x.f32() + row * p.x_stride + first, p.added ? p.added + row * p.channels + first : nullptr, n,
                  inputs + (row - begin) * kBlock);
  const float* weights = shared.weights + block * window * kBlock;
  for (int64_t row = begin; row < end; ++row)
    for (int64_t c = 0; c < n; c += kStrip)
      convolve_row(shared.taps + row * window, shared.counts[row], inputs + c, weights + c,
                   p.bias ? p.bias + first + c : nullptr, p.activation, n - c,
                   p.out.f32() + row * p.out_stride + first + c);
}

Status run(const DepthwiseConv2dParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t blocks = ceil_div(p.channels, kBlock), window = int64_t(p.size) * p.size;
  int64_t longest = 0;
  for (int32_t s = 0; s < p.sequences; ++s) longest = max(longest, p.offsets[s + 1] - p.offsets[s]);
  ctx.pool.reserve_scratch(size_t(longest * kBlock) * sizeof(float));
  const Shared shared(p, blocks, ctx.pool);
  ctx.pool.parallel_for(blocks,
                        [&](int64_t block, int) { pack_weights(p, block, shared.weights + block * window * kBlock); });
  parallel_rows(ctx.pool, p.rows, window, [&](int64_t begin, int64_t end) {
    int64_t s = 0;
    for (int64_t row = begin; row < end; ++row) {
      while (row >= p.offsets[s + 1]) ++s;
      shared.counts[row] = list_taps(p, s, row, shared.taps + row * window);
    }
  });
  ctx.pool.parallel_for(p.sequences * blocks, [&](int64_t task, int worker) {
    convolve_block(p, shared, task / blocks, task % blocks, ctx.pool.scratch<float>(worker));
  });
  return {};
}

}  // namespace

const Op<DepthwiseConv2dParams> depthwise_conv2d = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
