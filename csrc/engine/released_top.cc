#include "engine/released_top.h"

#include <algorithm>
#include <cmath>

namespace skipscan {

int64_t released_top_count(int64_t rows, double keep) {
  const int64_t share = int64_t(std::ceil(double(rows - 1) * keep));
  return std::min(rows, share + (share % 2 == 0));
}

std::vector<int32_t> released_top_rows(const float* scores, int64_t rows, int64_t kept) {
  const int32_t class_row = int32_t(rows / 2);
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < rows; ++i) {
    if (i != class_row) tokens.push_back(i);
  }
  std::stable_sort(tokens.begin(), tokens.end(),
                   [&](int32_t a, int32_t b) { return scores[rows - 1 - a] > scores[rows - 1 - b]; });
  tokens.resize(size_t(kept - 1));
  std::sort(tokens.begin(), tokens.end());
  tokens.insert(tokens.begin() + (kept - 1) / 2, class_row);
  return tokens;
}

}  // namespace skipscan
