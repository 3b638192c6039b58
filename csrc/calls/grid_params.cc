// The params of the operators on images and grids.
#include "calls/op_params.h"

namespace skipscan {
namespace {

// Every direction visits each of the places once; else a path would end before its rows do.
void check_orders(const OpReader& p, const std::vector<int32_t>& orders, int64_t places) {
  for (size_t begin = 0; begin < orders.size(); begin += size_t(places)) {
    std::vector<bool> seen(static_cast<size_t>(places));
    for (size_t i = begin; i < begin + size_t(places); ++i) seen[size_t(orders[i])] = true;
    if (std::find(seen.begin(), seen.end(), false) != seen.end()) p.mismatch("orders", "each place once");
  }
}

void check_rising(const OpReader& p, const std::vector<int32_t>& positions, const std::vector<int32_t>& offsets) {
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const auto end = positions.begin() + offsets[s + 1];
    if (std::adjacent_find(positions.begin() + offsets[s], end, std::greater_equal<>()) != end) {
      p.mismatch("positions", "positions that rise within a sequence");
    }
  }
}

// The rows at the places of a grid, each of which belongs to the sequence that it is listed for.
const int32_t* read_row_at(const OpReader& p, int64_t places, const std::vector<int32_t>& offsets) {
  const int64_t sequences = int64_t(offsets.size()) - 1;
  const std::vector<int32_t>& row_at = p.checked_indices("rowAt", places * sequences, offsets.back(), -1);
  for (size_t i = 0; i < row_at.size(); ++i) {
    const size_t s = i % size_t(sequences);
    if (row_at[i] >= 0 && (row_at[i] < offsets[s] || row_at[i] >= offsets[s + 1])) {
      p.mismatch("rowAt", "rows of the sequences that they are listed for");
    }
  }
  return p.placed(row_at);
}

}  // namespace

void read(const OpReader& p, DepthwiseConv2dParams& to) {
  const std::vector<int32_t>& offsets = p.offsets("offsets");
  const int32_t sequences = int32_t(offsets.size()) - 1, height = p.size("height"), width = p.size("width");
  const int64_t rows = offsets.back(), channels = p.size("channels"), places = int64_t(height) * width;
  const int32_t size = p.size("size");
  if (size > kMaxConv2dSize || size % 2 == 0) p.mismatch("size", "an odd number from 1 to 15");
  to = {.x = p.rows("x", rows, channels),
        .added = p.optional("added", {rows, channels}),
        .weight = p.tensor("weight", {size, size, channels}),
        .bias = p.optional("bias", {channels}),
        .positions = p.indices("positions", rows, places),
        .offsets = p.placed(offsets),
        .row_at = read_row_at(p, places, offsets),
        .out = p.rows("out", rows, channels),
        .rows = rows,
        .channels = channels,
        .x_stride = p.stride("x", channels),
        .out_stride = p.stride("out", channels),
        .sequences = sequences,
        .height = height,
        .width = width,
        .size = size,
        .activation = p.choice<Activation>(
            "activation", {{"none", Activation::none}, {"silu", Activation::silu}, {"gelu", Activation::gelu}})};
}

void read(const OpReader& p, ImagePatchesParams& to) {
  const int64_t images = p.size("images"), channels = p.size("channels"), rows = p.size("rows");
  const int32_t height = p.size("height"), width = p.size("width"), kernel = p.size("kernel");
  const int32_t out_height = p.size("outHeight"), out_width = p.size("outWidth");
  const double first_row = p.number("firstRow"), padding = p.number("padding");
  if (!(first_row >= 0 && first_row + double(rows) <= double(images) * out_height * out_width)) {
    p.mismatch("firstRow", "a row whose successors are output places");
  }
  if (!(padding >= 0 && padding <= 0x7fffffff)) p.mismatch("padding", "a whole number from 0 to 2147483647");
  to = {.x = p.activations("x", {images, channels, height, width}),
        .out = p.activations("out", {rows, kernel, kernel, channels}),
        .first_row = int64_t(first_row),
        .rows = rows,
        .images = int32_t(images),
        .channels = int32_t(channels),
        .height = height,
        .width = width,
        .out_height = out_height,
        .out_width = out_width,
        .kernel = kernel,
        .stride = p.size("stride"),
        .padding = int32_t(padding),
        .planar = p.flag("planar"),
        .relu = p.flag("relu")};
}

void read(const OpReader& p, ScanPathsParams& to) {
  const std::vector<int32_t>& offsets = p.offsets("offsets");
  const int32_t sequences = int32_t(offsets.size()) - 1, places = p.size("places"), directions = p.size("directions");
  const int64_t rows = offsets.back();
  const std::vector<int32_t>& positions = p.checked_indices("positions", rows, places);
  const std::vector<int32_t>& orders = p.checked_indices("orders", int64_t(directions) * places, places);
  check_rising(p, positions, offsets);
  check_orders(p, orders, places);
  const bool labelled = p.has("labels");
  to = {.positions = p.placed(positions),
        .offsets = p.placed(offsets),
        .orders = p.placed(orders),
        .labels = labelled ? p.integers("labels", int64_t(directions) * places) : nullptr,
        .row_at = p.tensor<int32_t>("rowAt", {places, sequences}),
        .index = p.tensor<int32_t>("index", {directions, rows}),
        .gap = p.tensor<int32_t>("gap", {directions, rows}),
        .label = labelled ? p.tensor<int32_t>("label", {directions, rows}) : nullptr,
        .rows = rows,
        .sequences = sequences,
        .places = places,
        .directions = directions};
}

}  // namespace skipscan
