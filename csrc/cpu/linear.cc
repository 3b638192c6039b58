// Matrix products. A task is a block of rows times a range of panels. For one panel after the other it walks the
// inputs in blocks of kDepth: all rows of the block meet the same few kilobytes of weights while these are in the
// first cache.
//
// bf16 weights lie in pairs of inputs (weight_matrix.h). 8-bit ones are linear_i8.cc's.
//
// Every output is summed in one order: within kDepth inputs in a register, then block after block onto y, then the
// bias. So a row's result is the same to the bit alone or among others, and for any number of threads.
#include "cpu/linear.h"
#include "core/arena.h"
#include "ops/pack.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kDepth = 256;
constexpr int64_t kBlockRows = 128;        // of a task, at most
constexpr int64_t kRangeColumns = 384;     // of a task, at most: its part of y stays in the second cache
constexpr int64_t kXStride = kDepth + 16;  // an odd number of cache lines: rows spread over the cache's sets
constexpr int64_t kXFloats =
    2 * kBlockRows * kXStride;                     // of x that a task copies at once: two blocks of inputs or more
constexpr int64_t kChunkFloats = kDepth * kPanel;  // a panel's weights for one block of inputs

struct Task {
  int64_t row, rows;  // of x and y
  int64_t panel, end;
};

// Which weights are fetched while others are read: those that come soon, or at the second tile of rows, which meets weights that
// are in the cache, those of the next chunk.
struct Fetch {
  bool soon;
  int64_t chunk;  // bytes

  void operator()(const void* at) const {
    constexpr int64_t kSoon = 1024;
    if (soon)
      __builtin_prefetch(static_cast<const std::byte*>(at) + kSoon);
    else
      __builtin_prefetch(static_cast<const std::byte*>(at) + chunk, 0, 2);
  }
};

// Whether packed weights lie in pairs of inputs.
template <class W>
constexpr bool kInPairs = false;
template <>
constexpr bool kInPairs<bf16> = true;

// multiply_add (gemm.h) for bf16 weights, whose inputs come in pairs: `depth` is rounded up to one, and x holds a zero there.
template <int M, int P>
[[gnu::always_inline]] inline void multiply_add_pairs(Vec (&acc)[M][2 * P], const float* x, int64_t x_stride,
                                                      const bf16* w, int64_t panel_stride, int64_t depth,
                                                      const Fetch& fetch) {
  for (int64_t k = 0; k < depth; k += 2, w += 2 * kPanel) {
    Vec even[2 * P], odd[2 * P];
#pragma GCC unroll 8
    for (int j = 0; j < 2 * P; ++j) {
      const bf16* at = w + j / 2 * panel_stride + j % 2 * 2 * kWidth;
      fetch(at);
      load_pairs(at, even[j], odd[j]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Vec x0 = set1(x[i * x_stride + k]), x1 = set1(x[i * x_stride + k + 1]);
#pragma GCC unroll 8
      for (int j = 0; j < 2 * P; ++j) acc[i][j] = fma(x1, odd[j], fma(x0, even[j], acc[i][j]));
    }
  }
}

template <int M, int P, class W>
[[gnu::noinline]] void multiply_tile(const float* x, const W* w, int64_t panel_stride, int64_t depth, const Output& out,
                                     Fetch fetch) {
  for (int i = 0; i < M; ++i)
    for (int64_t j = 0; j < min(P * kPanel, out.columns); j += kWidth)
      __builtin_prefetch(out.y + i * out.y_stride + j, 1);
  Vec acc[M][2 * P];
  clear(acc);
  if constexpr (kInPairs<W>)
    multiply_add_pairs<M, P>(acc, x, kXStride, w, panel_stride, depth, fetch);
  else
    multiply_add<M, P>(acc, x, kXStride, w, kPanel, panel_stride, depth, fetch);
  alignas(kAlignment) float sums[M][P * kPanel];
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < 2 * P; ++j) store(&sums[i][j * kWidth], acc[i][j]);
  }
  put(sums[0], M, P * kPanel, out);
}

// All rows of a task times one chunk of weights, in tiles of about the same size.
template <class W>
void multiply_rows(const float* x, int64_t rows, const W* w, int64_t depth, Output out) {
  const int64_t tiles = ceil_div(rows, kTileRows);
  float* const y = out.y;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t begin = rows * t / tiles, end = rows * (t + 1) / tiles;
    out.y = y + begin * out.y_stride;
    const Fetch fetch = {.soon = t != 1, .chunk = depth * kPanel * int64_t(sizeof(W))};
    with_rows(end - begin, [&](auto m) { multiply_tile<m.count, 1>(x + begin * kXStride, w, 0, depth, out, fetch); });
  }
}

// One or two rows have too few sums in flight to hide the latency of the multiplier, so they take several panels at
// once.
constexpr int64_t panels_at_once(int64_t rows) { return rows == 1 ? 4 : rows == 2 ? 2 : 1; }

template <class W>
void multiply_panels(const float* x, int64_t rows, const W* w, int64_t panel_stride, int64_t depth, const Output& out) {
  if (rows == 1)
    multiply_tile<1, panels_at_once(1)>(x, w, panel_stride, depth, out, {.soon = true, .chunk = 0});
  else
    multiply_tile<2, panels_at_once(2)>(x, w, panel_stride, depth, out, {.soon = true, .chunk = 0});
}

// A panel's weights for `depth` inputs, as float32 in rows of kPanel.
void widen(const f16* w, int64_t depth, float* out) {
  for (int64_t i = 0; i < depth * kPanel; i += kWidth) store(out + i, load(w + i));
}
void widen(const bf16* w, int64_t depth, float* out) {
  for (int64_t k = 0; k < depth; k += 2, out += 2 * kPanel) {
    for (int64_t j = 0; j < kPanel; j += kWidth, w += 2 * kWidth) {
      Vec even, odd;
      load_pairs(w, even, odd);
      store(out + j, even);
      store(out + kPanel + j, odd);
    }
  }
}
void widen(const float*, int64_t, float*) {}  // float32 is read in place

// Inputs [k, end) of the task's rows, as blocks of (rows, kXStride). After an odd number of them comes a zero.
void copy_inputs(const LinearParams& p, const Task& t, int64_t k, int64_t end, float* x) {
  for (; k < end; k += kDepth) {
    const int64_t depth = min(kDepth, end - k);
    for (int64_t r = 0; r < t.rows; ++r, x += kXStride) {
      copy(p.x.f32() + (t.row + r) * p.x_stride + k, depth, x);
      x[depth] = 0;
    }
  }
}

template <class W>
void run_task(const LinearParams& p, const Task& t, float* scratch) {
  const WeightMatrix& weight = p.weight;
  const W* const w = static_cast<const W*>(weight.data);
  const int64_t K = weight.cols, stored = weight.depth();
  float *const x = scratch, *const chunk = scratch + kXFloats;
  // Packed weights are read where they are, and widened in registers unless that would be done many times over.
  const bool plain = weight.panel == 1;
  const bool in_place = !plain && (weight.dtype == DType::f32 || t.rows <= 2 * kTileRows);

  const int64_t span = kXFloats / (t.rows * kXStride) * kDepth;
  for (int64_t first = 0; first < K; first += span) {
    const int64_t end = min(first + span, K);
    copy_inputs(p, t, first, end, x);
    int64_t at_once = in_place ? panels_at_once(t.rows) : 1;
    for (int64_t panel = t.panel; panel < t.end; panel += at_once) {
      if (panel + at_once > t.end) at_once = 1;
      for (int64_t k = first; k < end; k += kDepth) {
        const int64_t depth = min(kDepth, end - k), column = panel * kPanel;
        const float* xk = x + (k - first) / kDepth * t.rows * kXStride;
        const W* wk = plain ? w + column * K + k : w + (panel * stored + k) * kPanel;
        const Output out = {.y = p.y.f32() + t.row * p.y_stride + column,
                            .y_stride = p.y_stride,
                            .columns = min(weight.rows - column, at_once * kPanel),
                            .bias = p.bias && k + depth == K ? p.bias + column : nullptr,
                            .add = k > 0};
        if (at_once > 1) {
          multiply_panels(xk, t.rows, wk, stored * kPanel, depth, out);
        } else if (in_place) {
          multiply_rows(xk, t.rows, wk, depth, out);
        } else {
          if (plain)  // columns of the chunk that the last panel does not have are not stored either
            transpose(wk, K, out.columns, depth, chunk, kPanel);
          else
            widen(wk, depth, chunk);
          multiply_rows(xk, t.rows, static_cast<const float*>(chunk), depth, out);
        }
      }
    }
  }
}

template <class W>
void run_all(const LinearParams& p, ThreadPool& pool) {
  const int64_t panels = ceil_div(p.weight.rows, kPanel);
  // Few panels leave each thread few tasks, unless these have fewer rows: two tiles or more.
  const int64_t few = panels <= 4 ? min(ceil_div(p.rows, 2 * kTileRows), 8 * pool.threads()) : 1;
  const int64_t blocks = max(ceil_div(p.rows, kBlockRows), few);
  const int64_t per_task = min(panels_per_task(panels, blocks, pool.threads()), kRangeColumns / kPanel);
  pool.reserve_scratch(size_t(kXFloats + kChunkFloats) * sizeof(float));
  // Tasks with the same weights follow each other.
  pool.parallel_for(ceil_div(panels, per_task) * blocks, [&](int64_t task, int worker) {
    const int64_t block = task % blocks, row = p.rows * block / blocks, panel = task / blocks * per_task;
    const Task t = {
        .row = row, .rows = p.rows * (block + 1) / blocks - row, .panel = panel, .end = min(panel + per_task, panels)};
    run_task<W>(p, t, pool.scratch<float>(worker));
  });
}

Support supports(const LinearParams& p) { return supports_panel(p.weight, kPanel, kIsa); }

Status run(const LinearParams& p, ExecContext& ctx) {
  switch (p.weight.dtype) {
    case DType::bf16:
      ctx.route = SKIPSCAN_NAME(SKIPSCAN_ISA) "/bf16";
      run_all<bf16>(p, ctx.pool);
      break;
    case DType::i8: return multiply_i8(p, ctx);
    case DType::f16:
      ctx.route = SKIPSCAN_NAME(SKIPSCAN_ISA) "/f16";
      run_all<f16>(p, ctx.pool);
      break;
    default: ctx.route = SKIPSCAN_NAME(SKIPSCAN_ISA) "/f32"; run_all<float>(p, ctx.pool);
  }
  return {};
}

}  // namespace

const Op<LinearParams> linear = {supports, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
