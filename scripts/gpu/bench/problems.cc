#include "problems.h"

namespace skipscan::bench {
namespace {

constexpr double kShare = 0.7;  // of the rows that stay where a path skips

}  // namespace

Path::Path(int32_t sequences, int32_t steps, Kept kept) : sequences(sequences), steps(steps) {
  const int32_t length = kept == Kept::all ? steps : int32_t(double(steps) / kShare);
  rows = int64_t(sequences) * length;
  offsets.push_back(0);
  uint32_t random = 1;
  for (int32_t s = 0; s < sequences; ++s) {
    int32_t previous = -1;
    for (int32_t position = 0, left = steps; position < length; ++position) {
      // Each position is kept with the probability that leaves exactly `steps` of them.
      random = random * 1664525 + 1013904223;
      if (int64_t(random >> 8) * (length - position) >= int64_t(left) << 24) continue;
      index.push_back(s * length + position);
      gap.push_back(position - previous);
      previous = position;
      --left;
    }
    offsets.push_back(int32_t(index.size()));
  }
}

PathView Path::place(Memory& memory) const {
  const int32_t* rows = memory.ints(index);
  return {rows, rows, memory.ints(gap), memory.ints(offsets), sequences, int32_t(index.size()), steps};
}

std::string shape_name(int64_t sequences, int64_t steps, const std::string& rest) {
  return "B " + std::to_string(sequences) + " L " + std::to_string(steps) + " " + rest;
}

}  // namespace skipscan::bench
