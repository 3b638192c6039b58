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
#include "cpu/bf16_parts.h"
#include "cpu/linear.h"
#include "cpu/quantize.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kInputBytes = 3 << 19;  // of inputs in tiles, at most: they stay in the second cache

// So few rows do not fill a tile: vectors are as fast, or faster.
constexpr int64_t kFewRows = 2, kFewRowsI8 = 4;
constexpr int64_t kAllSteps = int64_t(1) << 40;

static_assert(kPanel == 2 * kTile, "a panel is two tiles of outputs");
static_assert(kScaledColumns == kTileRowBytes, "a block of 8-bit weights is a step");

// Inputs in tiles: tile row after tile row, each (steps, parts, tile).
struct Inputs {
  std::byte* tiles;
  float* scales;  // of 8-bit products: (tile rows, steps, kTile)
  int64_t steps;  // tiles that a row's inputs fill
  int64_t parts;  // tiles of a step

  std::byte* tile(int64_t tile_row, int64_t step) const {
    return tiles + (tile_row * steps + step) * parts * kTileBytes;
  }
  float* scales_of(int64_t tile_row, int64_t step) const { return scales + (tile_row * steps + step) * kTile; }
};

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
    if (rows < kTile) {
      memset(tile, 0, size_t(2 * kTileBytes));
      memset(scales, 0, kTile * sizeof(float));
    }
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

// A part of a product: rows of inputs that are in tiles, times panels, over some of the inputs.
struct Part {
  int64_t tile_row, rows;  // the first row of tiles, and rows of x from there on
  int64_t begin, end;      // steps
  const std::byte* w;      // the first panel
  int64_t panel_bytes;     // from one panel to the next
  Output out;              // of the first row and the first panel
  std::byte* sums;         // tiles of sums that earlier steps have left, or that later ones go on from
};

// Where one tile of sums goes: that of row `row` and column `column` of a part.
struct Corner {
  float* y;
  int64_t y_stride, rows, columns;
  const float* bias;

  Corner(const Part& part, int64_t row, int64_t column)
      : y(part.out.y + row * part.out.y_stride + column),
        y_stride(part.out.y_stride),
        rows(part.rows - row),
        columns(part.out.columns - column),
        bias(part.out.bias ? part.out.bias + column : nullptr) {}
};

// Sums start from the bias, and go on from what earlier steps have left.
template <int tile>
inline void begin_sums(const Part& part, const Corner& c) {
  if (part.begin > 0) return load_tile<tile>(part.sums + tile * kTileBytes, kTileRowBytes);
  if (!c.bias || c.columns <= 0) return clear_tile<tile>();
  alignas(kAlignment) float bias[kTile];
  store(bias, load_some(c.bias, c.columns));
  load_tile<tile>(bias, 0);  // the same in every row
}

template <int tile>
inline void end_sums(const Part& part, const Inputs& in, const Corner& c) {
  if (part.end < in.steps) return store_tile<tile>(part.sums + tile * kTileBytes, kTileRowBytes);
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

// Two squares of 16 rows and 32 outputs: below each other (two rows of tiles, one panel) or side by side. Or one of them.
enum class Shape { below, beside, single };

template <int parts, Shape shape>
[[gnu::noinline]] void multiply_bf16(const Inputs& in, const Part& part) {
  constexpr bool two = shape != Shape::single;
  const Corner left(part, 0, 0), right(part, 0, kTile);
  const int64_t row = shape == Shape::below ? kTile : 0, column = shape == Shape::beside ? kPanel : 0;
  const Corner second_left(part, row, column), second_right(part, row, column + kTile);
  begin_sums<0>(part, left);
  begin_sums<1>(part, right);
  if constexpr (two) begin_sums<2>(part, second_left);
  if constexpr (two) begin_sums<3>(part, second_right);

  const std::byte* x = in.tile(part.tile_row, part.begin);
  const int64_t next_row = in.steps * parts * kTileBytes;
  const std::byte* w = part.w + part.begin * 2 * kTileBytes;
  const int64_t panel_bytes = part.panel_bytes;
  const bool first_rows = part.tile_row == 0;
  for (int64_t left = part.end - part.begin; left > 0; --left, x += parts * kTileBytes, w += 2 * kTileBytes) {
    load_weights(w, first_rows);
#pragma GCC unroll 3
    for (int i = 0; i < parts; ++i) {
      load_tile<4>(x + i * kTileBytes, kTileRowBytes);
      multiply_bf16_tiles<0, 4, 6>();
      multiply_bf16_tiles<1, 4, 7>();
      if constexpr (shape == Shape::below) {
        load_tile<5>(x + next_row + i * kTileBytes, kTileRowBytes);
        multiply_bf16_tiles<2, 5, 6>();
        multiply_bf16_tiles<3, 5, 7>();
      }
    }
    if constexpr (shape == Shape::beside) {
      load_weights(w + panel_bytes, first_rows);
#pragma GCC unroll 3
      for (int i = 0; i < parts; ++i) {
        load_tile<5>(x + i * kTileBytes, kTileRowBytes);
        multiply_bf16_tiles<2, 5, 6>();
        multiply_bf16_tiles<3, 5, 7>();
      }
    }
  }
  end_sums<0>(part, in, left);
  end_sums<1>(part, in, right);
  if constexpr (two) end_sums<2>(part, in, second_left);
  if constexpr (two) end_sums<3>(part, in, second_right);
}

// One row of tiles times a panel of 8-bit weights. A step's sums are scaled while the next step's are added up.
[[gnu::noinline]] void multiply_i8(const Inputs& in, const Part& part) {
  using Sums = int32_t[2][2][kTile][kTile];  // of the inputs' upper and lower bytes, for both halves of the panel
  alignas(kAlignment) Sums buffers[2];
  alignas(kAlignment) float sums[kTile][kPanel] = {};
  const auto scale = [&](int64_t step, const std::byte* block) {
    const Sums& s = buffers[step % 2];
    const float *x_scales = in.scales_of(part.tile_row, step), *w_scales = reinterpret_cast<const float*>(block);
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
  const std::byte* w = part.w;
  constexpr int64_t kScales = kPanel * sizeof(float), kBlock = kScales + 2 * kTileBytes;
  for (int64_t step = 0; step < in.steps; ++step, w += kBlock) {
    clear_tile<0>();
    clear_tile<1>();
    clear_tile<2>();
    clear_tile<3>();
    load_weights(w + kScales, part.tile_row == 0);
    load_tile<4>(in.tile(part.tile_row, step), kTileRowBytes);
    load_tile<5>(in.tile(part.tile_row, step) + kTileBytes, kTileRowBytes);
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
  put(sums[0], min(part.rows, kTile), kPanel, part.out);
}

// How inputs become tiles, and what multiplies these. Two rows of tiles share the weights; a single one shares its inputs among
// two panels. `steps` are those whose weights stay in the first cache while all rows meet them, as far as that pays.
template <int number>
struct Bf16 {
  static constexpr int64_t parts = number, step = 32, steps = parts == 1 ? 8 : kAllSteps;
  static constexpr auto fill = fill_tiles<parts>;
  static int64_t rows(int64_t left) { return min(left, 2 * kTile); }
  static int64_t panels(int64_t rows) { return rows > kTile ? 1 : 2; }
  static void multiply(const Inputs& in, const Part& part, int64_t panels) {
    if (panels == 2)
      multiply_bf16<parts, Shape::beside>(in, part);
    else if (part.rows > kTile)
      multiply_bf16<parts, Shape::below>(in, part);
    else
      multiply_bf16<parts, Shape::single>(in, part);
  }
};
struct EightBits {
  static constexpr int64_t parts = 2, step = kScaledColumns, steps = kAllSteps;
  static constexpr auto fill = fill_tiles_i8;
  static int64_t rows(int64_t) { return kTile; }
  static int64_t panels(int64_t) { return 1; }
  static void multiply(const Inputs& in, const Part& part, int64_t) { multiply_i8(in, part); }
};

// Rows [row, row + rows) of x, which are in tiles, times panels [first, end). `sums` has a kilobyte for each row and more.
template <class Kind>
void multiply_panels(const LinearParams& p, const Inputs& in, int64_t row, int64_t rows, int64_t first, int64_t end,
                     std::byte* sums) {
  const WeightMatrix& weight = p.weight;
  const int64_t steps_at_once = rows > 2 * kTile ? Kind::steps : in.steps;
  const Tiles tiles;
  for (int64_t panel = first, panels; panel < end; panel += panels) {
    panels = min(Kind::panels(rows), end - panel);
    const int64_t column = panel * kPanel;
    for (int64_t begin = 0; begin < in.steps; begin += steps_at_once) {
      for (int64_t r = 0; r < rows; r += Kind::rows(rows - r)) {
        const Part part = {.tile_row = r / kTile,
                           .rows = rows - r,
                           .begin = begin,
                           .end = min(begin + steps_at_once, in.steps),
                           .w = static_cast<const std::byte*>(weight.data) + panel * weight.panel_bytes(),
                           .panel_bytes = weight.panel_bytes(),
                           .out = {.y = p.y.f32() + (row + r) * p.y_stride + column,
                                   .y_stride = p.y_stride,
                                   .columns = weight.rows - column,
                                   .bias = p.bias ? p.bias + column : nullptr,
                                   .add = false},
                           .sums = sums + r / kTile * 4 * kTileBytes};
        Kind::multiply(in, part, panels);
      }
    }
  }
}

// Inputs of so many rows of tiles, in memory of bytes().
template <class Kind>
struct InputMemory {
  int64_t steps, tile_rows;

  size_t bytes() const { return size_t(tile_rows * steps) * (Kind::parts * kTileBytes + kTile * sizeof(float)); }
  Inputs at(std::byte* memory) const {
    float* const scales = reinterpret_cast<float*>(memory + tile_rows * steps * Kind::parts * kTileBytes);
    return {memory, scales, steps, Kind::parts};
  }
};

// Each task brings some rows into tiles, which its core's cache then has, and multiplies them with all panels.
template <class Kind>
void run_rows(const LinearParams& p, int64_t rows_at_once, ThreadPool& pool) {
  const InputMemory<Kind> memory = {p.weight.depth() / Kind::step, rows_at_once / kTile};
  const size_t inputs = align_up(memory.bytes());
  pool.reserve_scratch(inputs + size_t(memory.tile_rows * 4 * kTileBytes));
  pool.parallel_for(ceil_div(p.rows, rows_at_once), [&](int64_t task, int worker) {
    const Inputs in = memory.at(pool.scratch<std::byte>(worker));
    const int64_t row = task * rows_at_once, rows = min(rows_at_once, p.rows - row);
    for (int64_t r = 0; r < rows; r += kTile) Kind::fill(p, row + r, in, r / kTile);
    multiply_panels<Kind>(p, in, row, rows, 0, p.weight.panels(), pool.scratch<std::byte>(worker) + inputs);
  });
}

// All threads bring rows into tiles, and then share out the panels: for fewer rows.
template <class Kind>
void run_panels(const LinearParams& p, ThreadPool& pool) {
  const int64_t steps = p.weight.depth() / Kind::step, panels = p.weight.panels(), tile_rows = ceil_div(p.rows, kTile);
  const int64_t most = max(kInputBytes / (steps * Kind::parts * kTileBytes), 2);  // rows of tiles at once
  const int64_t blocks = ceil_div(tile_rows, most);
  const InputMemory<Kind> memory = {steps, ceil_div(tile_rows, blocks)};
  pool.reserve_shared(memory.bytes());
  pool.reserve_scratch(size_t(memory.tile_rows * 4 * kTileBytes));
  const Inputs in = memory.at(pool.shared<std::byte>());
  const int64_t per_task = panels_per_task(panels, 1, pool.threads());
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t row = tile_rows * block / blocks * kTile, end = min(tile_rows * (block + 1) / blocks * kTile, p.rows);
    pool.parallel_for(ceil_div(end - row, kTile),
                      [&](int64_t tile_row, int) { Kind::fill(p, row + tile_row * kTile, in, tile_row); });
    pool.parallel_for(ceil_div(panels, per_task), [&](int64_t task, int worker) {
      multiply_panels<Kind>(p, in, row, end - row, task * per_task, min((task + 1) * per_task, panels),
                            pool.scratch<std::byte>(worker));
    });
  }
}

template <class Kind>
void run_all(const LinearParams& p, ThreadPool& pool) {
  // More rows share what is read of weights that are too large for the second cache.
  constexpr size_t kSmallWeights = size_t(5) << 18;
  const int64_t rows_at_once = (p.weight.bytes() <= kSmallWeights ? 2 : 4) * kTile;
  if (p.rows >= 2 * rows_at_once * pool.threads())
    run_rows<Kind>(p, rows_at_once, pool);
  else
    run_panels<Kind>(p, pool);
}

Support supports(const LinearParams& p) { return linear.supports(p); }

Status run(const LinearParams& p, ExecContext& ctx) {
  if (p.weight.panel == 1) return linear.kernel(p, ctx);
  if (p.weight.dtype == DType::bf16) {
    ctx.route = ctx.bf16_inputs ? "amx/bf16-inputs" : "amx/bf16";
    if (p.rows <= kFewRows)
      multiply_bf16_rows(p, ctx);
    else if (ctx.bf16_inputs)
      run_all<Bf16<1>>(p, ctx.pool);
    else
      run_all<Bf16<3>>(p, ctx.pool);
  } else if (p.weight.dtype == DType::i8 && p.rows > kFewRowsI8) {
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
