// How much of a state is left after some time, and the time that passes in a step.
#pragma once
#include "core/scan_path.h"
#include "cpu/simd.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// 2^x for x <= 0, but 0 where that is below 2^-100: products with the smallest floats leave the normal range, where a
// multiplication takes a hundred times as long.
inline Vec decay_of(Vec x) { return max(exp2(x) - set1(0x1p-100f), set1(0)); }

// The time that passes over the state in one step (docs/reduction.md, section 2). dt_before is the dt of the step before, or
// dt itself at a sequence's first step; skipped_dt counts for Alignment::own only.
inline Vec decay_time(Alignment alignment, Vec dt, Vec dt_before, int32_t gap, Vec skipped_dt) {
  switch (alignment) {
    case Alignment::none: return dt;
    case Alignment::next: return set1(float(gap)) * dt;
    case Alignment::previous: return fma(set1(float(gap - 1)), dt_before, dt);
    case Alignment::own: return dt + skipped_dt;
  }
  return dt;
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
