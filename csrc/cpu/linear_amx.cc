// Matrix products on AMX, the matrix unit of newer x86 processors. A tile is 16 rows of 64 bytes; one instruction multiplies a
// tile of inputs (16 rows) with a tile of weights (16 outputs) and adds the products to 16 x 16 sums.
//
// bf16 weights: a float32 input is the sum of three bf16 numbers, exactly, so three products give what float32 arithmetic
// gives. With ctx.bf16_inputs it is rounded to one, and one product does.
// 8-bit weights: the 16-bit inputs of quantize.h are two bytes, so two products give exact sums, those of linear_i8.cc.
//
// A row's sums do not depend on the rows beside it, and inputs are added up in order: so a result is the same to the bit for any
// number of rows and threads.
#include "core/arena.h"
#include "cpu/amx.h"
#include "cpu/linear.h"
#include "cpu/quantize.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kInputBytes = 3 << 19;  // of inputs in tiles, at most: they stay in the second cache

static_assert(kPanel == 2 * kTile, "a panel is two tiles of outputs");
static_assert(kScaledColumns == kTileRowBytes, "a block of 8-bit weights is a step");

// Inputs in tiles: tile row after tile row, each (steps, parts, tile).
struct Inputs {
  std::byte* tiles;
  float* scales;  // of 8-bit products: (tile rows, steps, kTile)
  int64_t steps;  // tiles that a row's inputs fill
  int64_t parts;  // tiles of a step

  std::byte* tile(int64_t tile_row, int64_t step) const { return tiles + (tile_row * steps + step) * parts * kTileBytes; }
  float* scales_of(int64_t tile_row, int64_t step) const { return scales + (tile_row * steps + step) * kTile; }
};

// Upper halves of 32 float32 numbers.
inline __m512i upper_halves(__m512 a, __m512 b) {
  const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25, 23,
                                       21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(_mm512_castps_si512(a), odd, _mm512_castps_si512(b));
}

// What the upper half leaves of a number: at most 16 bits, and of those again 8. Nothing of an infinity.
inline __m512 lower_part(__m512 a) {
  const __m512 upper = _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(-65536)));
  return _mm512_maskz_sub_ps(_knot_mask16(_mm512_fpclass_ps_mask(a, 0x18)), a, upper);
}

// To the nearest bf16, in the upper half; NaN stays NaN.
inline __m512 rounded(__m512 a) {
  const __m512i bits = _mm512_castps_si512(a);
  const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff)));
  return _mm512_mask_mov_ps(_mm512_castsi512_ps(up), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}

// 32 inputs as 1 or 3 rows of tiles, kTileBytes apart.
template <int parts>
inline void split_inputs(const float* x, int64_t count, std::byte* out) {
  __m512 a = load_some(x, count).v, b = count > kWidth ? load_some(x + kWidth, count - kWidth).v : _mm512_setzero_ps();
  if constexpr (parts == 1) {
    _mm512_storeu_si512(out, upper_halves(rounded(a), rounded(b)));
  } else {
#pragma GCC unroll 3
    for (int i = 0; i < parts; ++i, out += kTileBytes) {
      _mm512_storeu_si512(out, upper_halves(a, b));
      a = lower_part(a);
      b = lower_part(b);
    }
  }
}

// Rows that a tile has and x does not are zero.
template <int parts>
void fill_tiles(const LinearParams& p, int64_t row, const Inputs& in, int64_t tile_row) {
  constexpr int64_t kStep = 32;
  const int64_t rows = min(kTile, p.rows - row), cols = p.weight.cols;
  for (int64_t step = 0; step < in.steps; ++step) {
    std::byte* const tile = in.tile(tile_row, step);
    if (rows < kTile) memset(tile, 0, size_t(parts * kTileBytes));
    for (int64_t r = 0; r < rows; ++r) {
      const float* x = p.x.f32() + (row + r) * p.x_stride + step * kStep;
      split_inputs<parts>(x, min(kStep, cols - step * kStep), tile + r * kTileRowBytes);
    }
  }
}

void fill_tiles_i8(const LinearParams& p, int64_t row, const Inputs& in, int64_t tile_row) {
  const int64_t rows = min(kTile, p.rows - row), cols = p.weight.cols;
  for (int64_t step = 0; step < in.steps; ++step) {
    std::byte* const tile = in.tile(tile_row, step);
    float* const scales = in.scales_of(tile_row, step);
    if (rows < kTile) memset(tile, 0, size_t(2 * kTileBytes));
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t column = step * kScaledColumns;
      int16_t q[kScaledColumns];
      scales[r] = quantize(p.x.f32() + (row + r) * p.x_stride + column, min(kScaledColumns, cols - column), q);
      for (int64_t i = 0; i < kScaledColumns; i += 32) {
        const __m512i v = _mm512_loadu_si512(q + i);
        const __m512i upper = _mm512_srai_epi16(_mm512_add_epi16(v, _mm512_set1_epi16(128)), 8);
        auto* const at = reinterpret_cast<__m256i*>(tile + r * kTileRowBytes + i);
        _mm256_storeu_si256(at, _mm512_cvtepi16_epi8(upper));
        _mm256_storeu_si256(at + kTileBytes / 32, _mm512_cvtepi16_epi8(v));
      }
    }
  }
}

// Where the sums of one tile go. They start from the bias.
struct Corner {
  float* y;
  int64_t y_stride, rows, columns;
  const float* bias;
};

// That of tile row i and half j of a panel.
inline Corner corner(const Output& out, int64_t rows, int i, int j) {
  return {out.y + i * kTile * out.y_stride + j * kTile, out.y_stride, rows - i * kTile, out.columns - j * kTile,
          out.bias ? out.bias + j * kTile : nullptr};
}

template <int tile>
inline void start(const Corner& c) {
  if (!c.bias || c.columns <= 0) return clear_tile<tile>();
  alignas(kAlignment) float bias[kTile];
  store(bias, load_some(c.bias, c.columns));
  load_tile<tile>(bias, 0);  // the same in every row
}

template <int tile>
inline void finish(const Corner& c) {
  if (c.rows >= kTile && c.columns >= kTile) return store_tile<tile>(c.y, c.y_stride * int64_t(sizeof(float)));
  alignas(kAlignment) float sums[kTile][kTile];
  store_tile<tile>(sums, sizeof sums[0]);
  if (c.columns <= 0) return;
  for (int64_t r = 0; r < min(c.rows, kTile); ++r) store_some(c.y + r * c.y_stride, load(sums[r]), c.columns);
}

// Weights of a step: two tiles, side by side. They come from memory unless other rows have met them before.
inline void load_weights(const std::byte* w, bool first_rows) {
  constexpr int64_t kAhead = 8192;  // bytes to those that are fetched meanwhile
  load_tile<6>(w, 2 * kTileRowBytes);
  load_tile<7>(w + kTileRowBytes, 2 * kTileRowBytes);
  if (!first_rows) return;
#pragma GCC unroll 32
  for (int64_t i = 0; i < 2 * kTileBytes; i += 64) __builtin_prefetch(w + kAhead + i, 0, 2);
}

// One or two rows of tiles times a panel of bf16.
template <int parts, bool two>
[[gnu::noinline]] void multiply_panel(const Inputs& in, int64_t tile_row, int64_t rows, const std::byte* w,
                                      const Output& out) {
  start<0>(corner(out, rows, 0, 0));
  start<1>(corner(out, rows, 0, 1));
  if constexpr (two) {
    start<2>(corner(out, rows, 1, 0));
    start<3>(corner(out, rows, 1, 1));
  }
  const std::byte* a = in.tile(tile_row, 0);
  const int64_t next_row = in.steps * parts * kTileBytes;
  for (int64_t step = 0; step < in.steps; ++step, w += 2 * kTileBytes) {
    load_weights(w, tile_row == 0);
#pragma GCC unroll 3
    for (int i = 0; i < parts; ++i, a += kTileBytes) {
      load_tile<4>(a, kTileRowBytes);
      multiply_bf16_tiles<0, 4, 6>();
      multiply_bf16_tiles<1, 4, 7>();
      if constexpr (two) {
        load_tile<5>(a + next_row, kTileRowBytes);
        multiply_bf16_tiles<2, 5, 6>();
        multiply_bf16_tiles<3, 5, 7>();
      }
    }
  }
  finish<0>(corner(out, rows, 0, 0));
  finish<1>(corner(out, rows, 0, 1));
  if constexpr (two) {
    finish<2>(corner(out, rows, 1, 0));
    finish<3>(corner(out, rows, 1, 1));
  }
}

// One row of tiles times a panel of 8-bit weights. A step's sums are scaled while the next step's are added up.
[[gnu::noinline]] void multiply_panel_i8(const Inputs& in, int64_t tile_row, int64_t rows, const std::byte* w,
                                         const Output& out) {
  using Sums = int32_t[2][2][kTile][kTile];  // of the inputs' upper and lower bytes, for both halves of the panel
  alignas(kAlignment) Sums buffers[2];
  alignas(kAlignment) float sums[kTile][kPanel] = {};
  const auto scale = [&](int64_t step, const std::byte* block) {
    const Sums& s = buffers[step % 2];
    const float *x_scales = in.scales_of(tile_row, step), *w_scales = reinterpret_cast<const float*>(block);
    for (int j = 0; j < 2; ++j) {
      const Vec w_scale = load(w_scales + j * kTile);
#pragma GCC unroll 4
      for (int64_t r = 0; r < kTile; ++r) {
        const __m512i upper = _mm512_load_si512(s[0][j][r]), lower = _mm512_load_si512(s[1][j][r]);
        const Vec total = {_mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(upper, 8), lower))};
        float* const sum = &sums[r][j * kTile];
        store(sum, fma(total, set1(x_scales[r]) * w_scale, load(sum)));
      }
    }
  };
  constexpr int64_t kScales = kPanel * sizeof(float), kBlock = kScales + 2 * kTileBytes;
  for (int64_t step = 0; step < in.steps; ++step, w += kBlock) {
    clear_tile<0>();
    clear_tile<1>();
    clear_tile<2>();
    clear_tile<3>();
    load_weights(w + kScales, tile_row == 0);
    load_tile<4>(in.tile(tile_row, step), kTileRowBytes);
    load_tile<5>(in.tile(tile_row, step) + kTileBytes, kTileRowBytes);
    multiply_i8_tiles<0, 4, 6>();
    multiply_i8_tiles<1, 4, 7>();
    multiply_i8_tiles<2, 5, 6>();
    multiply_i8_tiles<3, 5, 7>();
    Sums& s = buffers[step % 2];
    store_tile<0>(s[0][0], kTileRowBytes);
    store_tile<1>(s[0][1], kTileRowBytes);
    store_tile<2>(s[1][0], kTileRowBytes);
    store_tile<3>(s[1][1], kTileRowBytes);
    if (step > 0) scale(step - 1, w - kBlock);
  }
  scale(in.steps - 1, w - kBlock);
  put(sums[0], min(rows, kTile), kPanel, out);
}

// How inputs become tiles, and what multiplies these.
template <int number>
struct Bf16 {
  static constexpr int64_t parts = number, step = 32, rows_at_once = 2 * kTile;
  static constexpr auto fill = fill_tiles<parts>;
  static void multiply(const Inputs& in, int64_t tile_row, int64_t rows, const std::byte* w, const Output& out) {
    if (rows > kTile)
      multiply_panel<parts, true>(in, tile_row, rows, w, out);
    else
      multiply_panel<parts, false>(in, tile_row, rows, w, out);
  }
};
struct EightBits {
  static constexpr int64_t parts = 2, step = kScaledColumns, rows_at_once = kTile;
  static constexpr auto fill = fill_tiles_i8;
  static constexpr auto multiply = multiply_panel_i8;
};

// Rows [row, row + rows) of x, which are in tiles, times panels [first, end).
template <class Kind>
void multiply_panels(const LinearParams& p, const Inputs& in, int64_t row, int64_t rows, int64_t first, int64_t end) {
  const WeightMatrix& weight = p.weight;
  const Tiles tiles;
  for (int64_t panel = first; panel < end; ++panel) {
    const int64_t column = panel * kPanel;
    const auto* w = static_cast<const std::byte*>(weight.data) + panel * weight.panel_bytes();
    for (int64_t r = 0; r < rows; r += Kind::rows_at_once) {
      const Output out = {.y = p.y.f32() + (row + r) * p.y_stride + column,
                          .y_stride = p.y_stride,
                          .columns = weight.rows - column,
                          .bias = p.bias ? p.bias + column : nullptr,
                          .add = false};
      Kind::multiply(in, r / kTile, rows - r, w, out);
    }
  }
}

// Inputs of so many rows of tiles, in memory of inputs_bytes().
template <class Kind>
struct InputMemory {
  int64_t steps, tile_rows;

  size_t bytes() const { return size_t(tile_rows * steps) * (Kind::parts * kTileBytes + kTile * sizeof(float)); }
  Inputs at(std::byte* memory) const {
    float* const scales = reinterpret_cast<float*>(memory + tile_rows * steps * Kind::parts * kTileBytes);
    return {memory, scales, steps, Kind::parts};
  }
};

// Few panels and many rows: each task brings its own rows into tiles. Else all threads do, and then share out the panels.
template <class Kind>
void run_all(const LinearParams& p, ThreadPool& pool) {
  const int64_t steps = p.weight.depth() / Kind::step, panels = p.weight.panels();
  constexpr int64_t kPair = 2 * kTile;
  const int64_t pairs = ceil_div(p.rows, kPair);
  if (panels <= 4 && pairs >= 2 * pool.threads()) {
    const InputMemory<Kind> memory = {steps, 2};
    pool.reserve_scratch(memory.bytes());
    pool.parallel_for(pairs, [&](int64_t pair, int worker) {
      const Inputs in = memory.at(pool.scratch<std::byte>(worker));
      const int64_t row = pair * kPair, rows = min(kPair, p.rows - row);
      for (int64_t r = 0; r < rows; r += kTile) Kind::fill(p, row + r, in, r / kTile);
      multiply_panels<Kind>(p, in, row, rows, 0, panels);
    });
    return;
  }
  const int64_t block = max(kInputBytes / (2 * steps * Kind::parts * kTileBytes), 1) * kPair;  // rows
  const InputMemory<Kind> memory = {steps, ceil_div(min(p.rows, block), kTile)};
  pool.reserve_shared(memory.bytes());
  const Inputs in = memory.at(pool.shared<std::byte>());
  const int64_t per_task = panels_per_task(panels, 1, pool.threads());
  for (int64_t row = 0; row < p.rows; row += block) {
    const int64_t rows = min(block, p.rows - row);
    pool.parallel_for(ceil_div(rows, kTile),
                      [&](int64_t tile_row, int) { Kind::fill(p, row + tile_row * kTile, in, tile_row); });
    pool.parallel_for(ceil_div(panels, per_task), [&](int64_t task, int) {
      multiply_panels<Kind>(p, in, row, rows, task * per_task, min((task + 1) * per_task, panels));
    });
  }
}

Support supports(const LinearParams& p) { return linear.supports(p); }

Status run(const LinearParams& p, ExecContext& ctx) {
  constexpr int64_t kFewRows = 4;  // that do not fill a tile: bytes are multiplied as fast without
  if (p.weight.panel == 1) return linear.kernel(p, ctx);
  if (p.weight.dtype == DType::bf16) {
    ctx.route = ctx.bf16_inputs ? "amx/bf16-inputs" : "amx/bf16";
    if (ctx.bf16_inputs)
      run_all<Bf16<1>>(p, ctx.pool);
    else
      run_all<Bf16<3>>(p, ctx.pool);
  } else if (p.weight.dtype == DType::i8 && p.rows > kFewRows) {
    ctx.route = "amx/i8";
    run_all<EightBits>(p, ctx.pool);
  } else {
    return linear.kernel(p, ctx);
  }
  return {};
}

}  // namespace

const Op<LinearParams> linear_amx = {supports, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
