// The scan path: the only notion of order that the scans and the convolution have (docs/reduction.md, section
// 1).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace skipscan {

// How the positions that a path skips let time pass over the state (docs/reduction.md, section 2).
enum class Alignment : uint8_t { none, next, previous, own };

// Which inputs a convolution tap meets: the kept steps as neighbours, or positions with zeros where one was
// skipped.
enum class ConvMode : uint8_t { compact, aligned };

// A path as kernels see it. Step k of sequence s, offsets[s] <= k < offsets[s+1], reads and writes row
// index[k], takes dt, B and C from row param_index[k], and advances gap[k] >= 1 original positions. Nothing
// here is null.
struct PathView {
  const int32_t* index;
  const int32_t* param_index;
  const int32_t* gap;
  const int32_t* offsets;  // (sequences + 1)
  int32_t sequences, steps;
  int32_t longest;  // steps of the longest sequence

  int64_t begin(int64_t s) const { return offsets[s]; }
  int64_t end(int64_t s) const { return offsets[s + 1]; }
};

// The owner of a path. An empty param_index means: the same as index.
struct ScanPath {
  std::vector<int32_t> index, param_index, gap, offsets;

  // Every row of sequences of these lengths, packed, in order.
  static ScanPath full(const std::vector<int32_t>& lengths) {
    ScanPath p;
    p.offsets.assign(1, 0);
    for (int32_t n : lengths) p.offsets.push_back(p.offsets.back() + n);
    p.index.resize(size_t(p.offsets.back()));
    std::iota(p.index.begin(), p.index.end(), 0);
    p.gap.assign(p.index.size(), 1);
    return p;
  }

  PathView view() const {
    int32_t longest = 0;
    for (size_t s = 0; s + 1 < offsets.size(); ++s) longest = std::max(longest, offsets[s + 1] - offsets[s]);
    return {index.data(),
            (param_index.empty() ? index : param_index).data(),
            gap.data(),
            offsets.data(),
            int32_t(offsets.size()) - 1,
            offsets.back(),
            longest};
  }
};

}  // namespace skipscan
