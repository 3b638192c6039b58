#include "cuda/fault.h"

#include <limits>

#include "ops/select_tokens.h"

namespace skipscan::cuda {

Status describe_fault(unsigned long long fault, int* layer) {
  if (layer) *layer = int(fault >> 35 & 0xffffff);
  const char* const what = (fault >> 2 & 1) == 0 ? "scores" : "features";
  const float infinity = std::numeric_limits<float>::infinity();
  const float values[] = {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 0};
  return non_finite(what, int64_t(fault >> 3 & 0xffffffff), values[fault & 3]);
}

}  // namespace skipscan::cuda
