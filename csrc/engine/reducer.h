// Removing tokens between two blocks: score -> select -> gather (docs/reduction.md).
#pragma once
#include "engine/live_rows.h"

namespace skipscan {

// What select_tokens writes about the rows before, on the device.
struct SelectionBuffers {
  int32_t *kept, *dest_hidden, *dest_residual;  // (rows)
  float* weights;                               // (rows)

  SelectionBuffers(Arena& arena, int64_t rows);
};

// Where a reduction happens, and on what.
struct ReductionSite {
  const Reduction& reduction;
  int32_t layer;
  const double* keep;  // (sequences), on the device
  float* scores;       // (rows) from the block; written here where the metric needs neighbours
  Elements hidden;     // (rows, d_model) both branches are reduced in place
  float* residual;     // (rows, d_model)
  int64_t d_model;
  int32_t start;  // the position of every sequence's first token
};

// Reduces both branches after a block: `before` are the rows that are alive, `after` becomes those that stay. Its offsets are
// set already where the policy counts. ERR_NATIVE naming the layer when a score or a feature is not finite, as far as the
// device says so at once.
Status reduce_rows(const ReductionSite& site, const LiveRows& before, const SelectionBuffers& buffers, LiveRows& after,
                   Device& device, ExecContext& context);

// A number that is not finite, which no caller has passed, as ERR_NATIVE with the layer; other results as they are.
Status after_layer(int32_t layer, Status status);

}  // namespace skipscan
