#include "engine/vision_grid.h"

#include <algorithm>
#include <cmath>

#include "engine/pass_inputs.h"

namespace skipscan {
namespace {

// ---- position embeddings of another grid

// Four neighbours along one axis and their weights.
struct CubicTaps {
  int32_t at[4];
  double weight[4];
};

// Cubic convolution with a = -0.75 (Keys 1981), sampled at centres, edges repeated, without antialiasing: torch's
// interpolate(mode='bicubic', align_corners=False).
std::vector<CubicTaps> cubic_taps(int32_t from, int32_t to) {
  constexpr double a = -0.75;
  std::vector<CubicTaps> taps;
  for (int32_t i = 0; i < to; ++i) {
    const double x = (i + 0.5) * from / to - 0.5, whole = std::floor(x), t = x - whole;
    const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
    const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    CubicTaps& tap = taps.emplace_back(CubicTaps{{}, {far(1 + t), near(t), near(1 - t), far(2 - t)}});
    for (int32_t j = 0; j < 4; ++j) tap.at[j] = std::clamp(int32_t(whole) - 1 + j, 0, from - 1);
  }
  return taps;
}

// (from.rows, from.cols, dim) to (to.rows, to.cols, dim).
void resize(const float* values, const PatchGrid& from, const PatchGrid& to, int64_t dim, float* out) {
  const std::vector<CubicTaps> rows = cubic_taps(from.rows, to.rows), cols = cubic_taps(from.cols, to.cols);
  std::vector<double> sums(static_cast<size_t>(dim));
  for (const CubicTaps& row : rows) {
    for (const CubicTaps& col : cols) {
      std::fill(sums.begin(), sums.end(), 0);
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) {
          const float* value = values + (int64_t(row.at[i]) * from.cols + col.at[j]) * dim;
          const double weight = row.weight[i] * col.weight[j];
          for (int64_t c = 0; c < dim; ++c) sums[size_t(c)] += weight * value[c];
        }
      }
      out = std::copy(sums.begin(), sums.end(), out);
    }
  }
}

// As the authors do it. ViM's code takes the first row to be the class token's, though it is in the middle (main.py of
// hustvl/Vim): models that were fine-tuned at another size were so resized.
std::vector<float> position_embedding(const VisionConfig& c, const VisionWeights& weights, const PatchGrid& grid) {
  const PatchGrid trained = {c.grid_rows, c.grid_cols, c.has_class_token()};
  if (grid == trained) return weights.positions;
  const int64_t dim = c.d_model, before = grid.class_token ? dim : 0;
  std::vector<float> result(size_t(grid.tokens() * dim));
  std::copy_n(weights.positions.begin(), before, result.begin());
  resize(weights.positions.data() + before, trained, grid, dim, result.data() + before);
  return result;
}

// ---- the orders of PlainMamba

enum Move : int32_t { start, right, left, up, down };

struct Step {
  int32_t position, move;
};

// Row by row from the top left, every other row backwards.
std::vector<Step> snake_of_rows(const PatchGrid& g) {
  std::vector<Step> steps;
  for (int32_t y = 0; y < g.rows; ++y) {
    for (int32_t i = 0; i < g.cols; ++i) {
      const bool forward = y % 2 == 0;
      const int32_t x = forward ? i : g.cols - 1 - i;
      steps.push_back({y * g.cols + x, i == 0 ? (y == 0 ? start : down) : forward ? right : left});
    }
  }
  return steps;
}

// Column by column from the top left, every other column upwards.
std::vector<Step> snake_of_columns(const PatchGrid& g) {
  std::vector<Step> steps;
  for (int32_t x = 0; x < g.cols; ++x) {
    for (int32_t i = 0; i < g.rows; ++i) {
      const bool downward = x % 2 == 0;
      const int32_t y = downward ? i : g.rows - 1 - i;
      steps.push_back({y * g.cols + x, i == 0 ? (x == 0 ? start : right) : downward ? down : up});
    }
  }
  return steps;
}

// The way back takes the opposite of the move that led to the step after.
std::vector<Step> reversed(const std::vector<Step>& steps) {
  constexpr Move opposite[] = {start, left, right, down, up};
  std::vector<Step> result;
  for (size_t i = steps.size(); i-- > 0;) {
    result.push_back({steps[i].position, result.empty() ? start : opposite[steps[i + 1].move]});
  }
  return result;
}

}  // namespace

PatchGrid PatchGrid::of(const VisionConfig& c, int32_t height, int32_t width) {
  const auto along = [&](int32_t pixels) {
    if (c.family == VisionFamily::vim) return pixels < c.patch ? 0 : (pixels - c.patch) / c.stride + 1;
    const int32_t half = (pixels + 1) / 2, side = c.patch / 2;  // after the stem's first convolution, of stride 2
    return (half + side - 1) / side;
  };
  return {along(height), along(width), c.has_class_token()};
}

std::vector<int32_t> vim_orders(int32_t tokens) {
  std::vector<int32_t> orders = counting(tokens);
  for (int32_t i = tokens; i-- > 0;) orders.push_back(i);
  return orders;
}

ScanOrders scan_orders(const VisionConfig& config, const PatchGrid& grid) {
  if (config.family == VisionFamily::vim) return {vim_orders(grid.tokens()), {}};
  ScanOrders result;
  const std::vector<Step> rows = snake_of_rows(grid), columns = snake_of_columns(grid);
  for (const std::vector<Step>& path : {rows, reversed(rows), columns, reversed(columns)}) {
    for (const auto& [position, move] : path) {
      result.positions.push_back(position);
      result.moves.push_back(move);
    }
  }
  return result;
}

Status GridTables::make(const VisionConfig& config, const VisionWeights& weights, const PatchGrid& grid,
                        std::shared_ptr<Device> device, GridTables* out) {
  std::vector<float> start = position_embedding(config, weights, grid);
  for (size_t c = 0; c < weights.class_token.size(); ++c) {
    start[size_t(grid.class_position()) * size_t(config.d_model) + c] += weights.class_token[c];
  }
  const ScanOrders scans = scan_orders(config, grid);
  const std::vector<int32_t>& orders = scans.positions;  // clang 14 captures no structured bindings
  const std::vector<int32_t>& moves = scans.moves;
  GridTables tables;
  tables.grid_ = grid;
  const auto carve = [&](Arena& arena) {
    tables.start_ = arena.take<float>(int64_t(start.size()));
    tables.orders_ = arena.take<int32_t>(int64_t(orders.size()));
    tables.moves_ = arena.take<int32_t>(int64_t(moves.size()));
  };
  Arena count;
  carve(count);
  SKIPSCAN_TRY(Memory::allocate(device, count.used(), &tables.memory_));
  Arena arena(tables.memory_.as<void>());
  carve(arena);
  SKIPSCAN_TRY(device->write(tables.start_, start.data(), start.size() * sizeof(float)));
  SKIPSCAN_TRY(device->write(tables.orders_, orders.data(), orders.size() * sizeof(int32_t)));
  if (moves.empty()) {
    tables.moves_ = nullptr;
  } else {
    SKIPSCAN_TRY(device->write(tables.moves_, moves.data(), moves.size() * sizeof(int32_t)));
  }
  *out = std::move(tables);
  return {};
}

}  // namespace skipscan
