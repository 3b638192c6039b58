// Matrix products with packed weights.
#include "cpu/gemm.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kDepth = KC;          // inputs of one block: a panel's share of it is 32 KB at most
constexpr int64_t kXStride = kDepth + 16; // one row of one block of x; an odd number of cache lines spreads rows over the cache's sets
constexpr int64_t kBlockRows = BT * 14;
constexpr int64_t kXFloats = XB * 1024;
constexpr int64_t kChunkFloats = kDepth * kPanel;

int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Output {
  float* y;
  int64_t stride, columns;  // columns left in this panel or panels
  const float* bias;        // null except for the last block
  bool first;
};

template <int M, int P>
[[gnu::always_inline]] inline void finish(Vec (&acc)[M][2 * P], const Output& out) {
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) {
    float* y = out.y + i * out.stride;
#pragma GCC unroll 8
    for (int j = 0; j < 2 * P; ++j) {
      const int64_t n = out.columns - j * kWidth;
      if (n <= 0) break;
      if (!out.first) acc[i][j] = load_some(y + j * kWidth, n) + acc[i][j];
      if (out.bias) acc[i][j] = acc[i][j] + load_some(out.bias + j * kWidth, n);
      store_some(y + j * kWidth, acc[i][j], n);
    }
  }
}

template <int M, int P, class W>
void tile(const float* x, const W* w, int64_t panel_stride, int64_t depth, const Output& out) {
  Vec acc[M][2 * P];
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < 2 * P; ++j) acc[i][j] = set1(0.f);
#if PFY
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < 2 * P; ++j) __builtin_prefetch(out.y + i * out.stride + j * kWidth, 1);
#endif
  multiply<M, P>(acc, x, kXStride, w, kPanel, panel_stride, depth);
  finish<M, P>(acc, out);
}

template <int M, class W>
void tile_of(int64_t rows, const float* x, const W* w, int64_t depth, const Output& out) {
  if constexpr (M > 1) {
    if (rows < M) return tile_of<M - 1>(rows, x, w, depth, out);
  }
  tile<M, 1>(x, w, 0, depth, out);
}

struct Plan {
  int64_t blocks, rows_per_block, tasks_per_block, panels_per_task;
};

template <class W>
void block(const LinearParams& p, int64_t row0, int64_t rows, int64_t panel0, int64_t panel1, float* scratch) {
  float* const xs = scratch;
  float* const chunk = scratch + kXFloats;
  const int64_t N = p.weight.rows, K = p.weight.cols, tiles = ceil_div(rows, kTileRows);
  const int64_t group = max(kXFloats / (rows * kXStride), 1) * kDepth;
  const W* const weights = static_cast<const W*>(p.weight.data);
  constexpr bool is_float = sizeof(W) == 4;
  const bool widen = !is_float && tiles > 2;
  const int64_t kP = rows == 1 ? P1 : rows == 2 ? P2 : 1;
  for (int64_t g = 0; g < K; g += group) {
    const int64_t g_end = min(g + group, K);
    for (int64_t k = g; k < g_end; k += kDepth)
      for (int64_t r = 0; r < rows; ++r)
        __builtin_memcpy(xs + ((k - g) / kDepth * rows + r) * kXStride, p.x + (row0 + r) * p.x_stride + k, size_t(min(K - k, kDepth)) * 4);
    for (int64_t q = panel0, step; q < panel1; q += step) {
      step = q + kP <= panel1 ? kP : 1;
      for (int64_t k = g; k < g_end; k += kDepth) {
        const int64_t depth = min(K - k, kDepth);
        const W* w = weights + (q * K + k) * kPanel;
        const float* x = xs + (k - g) / kDepth * rows * kXStride;
        Output out = {p.y + row0 * p.y_stride + q * kPanel, p.y_stride, N - q * kPanel,
                            p.bias && k + depth == K ? p.bias + q * kPanel : nullptr, k == 0};
        if (step == 4) { out.columns = min(out.columns, 4 * kPanel); tile<1, 4>(x, w, K * kPanel, depth, out); continue; }
        if (step == 2) { out.columns = min(out.columns, 2 * kPanel); tile<2, 2>(x, w, K * kPanel, depth, out); continue; }
        if (widen) for (int64_t i = 0; i < depth * kPanel; i += kWidth) store(chunk + i, load(w + i));
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t r0 = rows * t / tiles, r1 = rows * (t + 1) / tiles;
          out.y = p.y + (row0 + r0) * p.y_stride + q * kPanel;
          if (widen)
            tile_of<kTileRows>(r1 - r0, x + r0 * kXStride, (const float*)chunk, depth, out);
          else
            tile_of<kTileRows>(r1 - r0, x + r0 * kXStride, w, depth, out);
        }
      }
    }
  }
}

Status run(const LinearParams& p, ExecContext& ctx) {
  const int64_t N = p.weight.rows, panels = ceil_div(N, kPanel);
  const int threads = ctx.pool.threads();
  ctx.pool.reserve_scratch(size_t(kXFloats + kChunkFloats) * 4);
  const int64_t row_blocks = ceil_div(p.rows, kBlockRows);
  const int64_t wanted = threads == 1 ? 1 : ceil_div(8 * threads, row_blocks);
  int64_t per_task = max(ceil_div(panels, wanted), 1); if (per_task > PPT) per_task = PPT;
  const int64_t ranges = ceil_div(panels, per_task);
  ctx.pool.parallel_for(row_blocks * ranges, [&](int64_t task, int worker) {
    #if ORD
const int64_t b = task % row_blocks, q = task / row_blocks;
#else
const int64_t b = task / ranges, q = task % ranges;
#endif
    const int64_t r0 = p.rows * b / row_blocks, r1 = p.rows * (b + 1) / row_blocks;
    const int64_t q0 = q * per_task, q1 = min(q0 + per_task, panels);
    float* s = ctx.pool.scratch<float>(worker);
    switch (p.weight.dtype) {
      case DType::bf16: return block<bf16>(p, r0, r1 - r0, q0, q1, s);
      case DType::f16: return block<f16>(p, r0, r1 - r0, q0, q1, s);
      default: return block<float>(p, r0, r1 - r0, q0, q1, s);
    }
  });
  ctx.route = kIsa;
  return {};
}

}  // namespace

extern const Op<LinearParams> linear = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
