// Products with 8-bit weights (weight_matrix.h). Inputs become whole numbers as well, but of 16 bits, block by block and row by
// row: so a block's sum is exact, whatever instructions add it up, and is then scaled and added in float32, block after block.
// The error is that of the weights; what 16 bits add to it is a hundredth or less.
#include "core/arena.h"
#include "cpu/linear.h"
#include "cpu/quantize.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int kRows = kWidth == 16 ? 6 : 2;  // of a tile: as many as registers hold the sums of
constexpr int64_t kBlockRows = 96;           // of a task
constexpr int64_t kBlockBytes = kPanel * (kScaledColumns + int64_t(sizeof(float)));

// Inputs in whole numbers: (rows, blocks, kScaledColumns), and their scales (rows, blocks).
struct Inputs {
  const int16_t* q;
  const float* scales;
  int64_t blocks;  // of a row
};

// sums[i] += row i of the inputs times one block of weights.
template <int M>
[[gnu::always_inline]] inline void add_block(const Inputs& x, const std::byte* block, Vec (&sums)[M][2]) {
  const auto* scales = reinterpret_cast<const float*>(block);
  const auto* w = reinterpret_cast<const int8_t*>(scales + kPanel);
  Ints acc[M][4];
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) acc[i][j] = zero_ints();
  for (int64_t k = 0; k < kScaledColumns; k += 4, w += 4 * kPanel) {
    Shorts weights[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int8_t* at = w + j * 2 * kWidth;
      if (j % 2 == 0) __builtin_prefetch(at + 2048, 0, 2);
      weights[j] = load_quads(at);
    }
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Shorts quad = set_quad(x.q + i * x.blocks * kScaledColumns + k);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) acc[i][j] = multiply_add(weights[j], quad, acc[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) {
    const Vec scale = set1(x.scales[i * x.blocks]);
    for (int j = 0; j < 2; ++j) {
      const Vec total = to_floats(add_pairs(acc[i][2 * j], acc[i][2 * j + 1]));
      sums[i][j] = fma(total, scale * load(scales + j * kWidth), sums[i][j]);
    }
  }
}

template <int M>
[[gnu::noinline]] void multiply_tile(Inputs x, const std::byte* panel, const Output& out) {
  Vec acc[M][2];
  clear(acc);
  for (int64_t b = 0; b < x.blocks; ++b, x.q += kScaledColumns, ++x.scales, panel += kBlockBytes)
    add_block(x, panel, acc);
  alignas(kAlignment) float sums[M][kPanel];
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < 2; ++j) store(&sums[i][j * kWidth], acc[i][j]);
  put(sums[0], M, kPanel, out);
}

}  // namespace

Status multiply_i8(const LinearParams& p, ExecContext& ctx) {
  ctx.route = SKIPSCAN_NAME(SKIPSCAN_ISA) "/i8";
  const WeightMatrix& w = p.weight;
  const int64_t blocks = w.depth() / kScaledColumns, panels = w.panels();
  ctx.pool.reserve_shared(size_t(p.rows * w.depth()) * sizeof(int16_t) + size_t(p.rows * blocks) * sizeof(float));
  int16_t* const quantized = ctx.pool.shared<int16_t>();
  float* const scales = reinterpret_cast<float*>(quantized + p.rows * w.depth());
  parallel_rows(ctx.pool, p.rows, w.cols, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin * blocks; b < end * blocks; ++b) {
      const int64_t row = b / blocks, column = b % blocks * kScaledColumns;
      int16_t q[kScaledColumns];
      scales[b] = quantize(p.x.f32() + row * p.x_stride + column, min(kScaledColumns, w.cols - column), q);
      memcpy(quantized + b * kScaledColumns, q, sizeof q);
    }
  });
  const int64_t row_blocks = ceil_div(p.rows, kBlockRows);
  const int64_t per_task = panels_per_task(panels, row_blocks, ctx.pool.threads());
  ctx.pool.parallel_for(ceil_div(panels, per_task) * row_blocks, [&](int64_t task, int) {
    const int64_t begin = p.rows * (task % row_blocks) / row_blocks,
                  end = p.rows * (task % row_blocks + 1) / row_blocks;
    const int64_t first = task / row_blocks * per_task;
    for (int64_t panel = first; panel < min(first + per_task, panels); ++panel) {
      const int64_t column = panel * kPanel;
      for (int64_t row = begin; row < end; row += kRows) {
        const Inputs x = {quantized + row * w.depth(), scales + row * blocks, blocks};
        const Output out = {.y = p.y.f32() + row * p.y_stride + column,
                            .y_stride = p.y_stride,
                            .columns = w.rows - column,
                            .bias = p.bias ? p.bias + column : nullptr,
                            .add = false};
        const auto* weights = static_cast<const std::byte*>(w.data) + panel * w.panel_bytes();
        with_rows<kRows>(min(kRows, end - row), [&](auto m) { multiply_tile<m.count>(x, weights, out); });
      }
    }
  });
  return {};
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
