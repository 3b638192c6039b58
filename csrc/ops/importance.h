// How important a token is (docs/reduction.md, section 3): one number for each row. The operators that make y give it on the
// way (selective_scan.h, ssd_scan.h, gated_rms_norm.h), two operators finish after a scan (selective_state_importance.h,
// ssd_state_importance.h), and token_importance.h takes any rows. Sums are accumulated in float32, in an order that the
// number of channels alone decides; a row with an element that is not a number has a score that is not one either.
#pragma once
#include <cstdint>

namespace skipscan {

enum class ImportanceMetric : uint8_t {
  clip,   // mean(max(v, 0)) over the channels v of a row
  l1,     // mean(|v|)
  l2,     // sqrt(mean(v^2))
  sum,    // mean(v)
  delta,  // mean(dt), the time steps of the row's channels or heads
  state,  // the token's share in the final state
  novel,  // 1 - the cosine with the row before; 1 for the first row of a sequence
  novel2  // 1 - the larger cosine of the rows before and after; 1 where there are none
};

constexpr bool is_novel(ImportanceMetric metric) {
  return metric == ImportanceMetric::novel || metric == ImportanceMetric::novel2;
}

// Which tensor the row is of; delta, state, novel and novel2 have tensors of their own.
enum class ImportanceSource : uint8_t {
  gated,  // what enters out_proj
  ssm,    // the scan's output before the gate, D * u included
  block   // the mixer's output, after out_proj
};

}  // namespace skipscan
