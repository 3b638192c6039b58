// What depends on the grid of an image's patches alone: the position embedding, and the orders in which scans visit it.
#pragma once
#include "engine/vision_weights.h"

namespace skipscan {

// The orders in which a model's directions visit a grid, on the host.
struct ScanOrders {
  std::vector<int32_t> positions;  // (directions, tokens)
  std::vector<int32_t>
      moves;  // (directions, tokens) the move that led to a step, a row of VisionBlockWeights::moves; none for ViM
};
ScanOrders scan_orders(const VisionConfig& config, const PatchGrid& grid);

// Those of ViM: forward and backward.
std::vector<int32_t> vim_orders(int32_t tokens);

class GridTables {
 public:
  // ERR_OUT_OF_MEMORY.
  static Status make(const VisionConfig& config, const VisionWeights& weights, const PatchGrid& grid,
                     std::shared_ptr<Device> device, GridTables* out);

  const PatchGrid& grid() const { return grid_; }
  // (tokens, d_model): what the residual stream starts from. The class token is in its place, as an image adds nothing there.
  const float* start() const { return start_; }
  // As ScanOrders has them; moves are null where there are none.
  const int32_t* orders() const { return orders_; }
  const int32_t* moves() const { return moves_; }

 private:
  PatchGrid grid_;
  Memory memory_;
  float* start_ = nullptr;
  int32_t *orders_ = nullptr, *moves_ = nullptr;
};

}  // namespace skipscan
