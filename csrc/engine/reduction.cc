#include "engine/reduction.h"

#include <algorithm>
#include <functional>

#include "engine/released_top.h"

namespace skipscan {

Status Reduction::check(int32_t layers_of_model, int64_t sequences) const {
  const auto is_share = [](double x) { return x >= 0 && x <= 1; };
  const char* problem = nullptr;
  if (layers.empty() || layers.front() < 0 || layers.back() >= layers_of_model ||
      std::adjacent_find(layers.begin(), layers.end(), std::greater_equal<>()) != layers.end()) {
    problem = "layers are not rising ones of the model";
  } else if (int64_t(keep.size()) != sequences || !std::all_of(keep.begin(), keep.end(), is_share)) {
    problem = "shares to keep are not one from 0 to 1 for each sequence";
  } else if (!is_share(q_hidden) || !is_share(q_residual)) {
    problem = "shares to drop are not from 0 to 1";
  } else if (protect_last < 0) {
    problem = "number of last tokens to protect is negative";
  } else if (released_top && policy != ReductionPolicy::prune) {
    problem = "policy is two at once";
  } else if (alignment == Alignment::own) {
    problem = "alignment needs the time steps of tokens that are gone";
  }
  return problem ? fail(Code::native, std::string("Received a reduction whose ") + problem + ".") : Status();
}

bool Reduction::at(int32_t layer) const { return std::binary_search(layers.begin(), layers.end(), layer); }

bool Reduction::scores_in_block() const { return needs_scores(policy) && !is_novel(metric); }

// docs/reduction.md, section 4: half-sets bound what can merge, and `fuse` leaves one row more.
int64_t Reduction::kept_rows(int64_t rows, int64_t protected_rows, double keep_share) const {
  if (released_top) return released_top_count(rows, keep_share);
  const int64_t candidates = rows - protected_rows;
  int64_t removed = candidates == 0 ? 0 : rows - keep_count(rows, protected_rows, keep_share);
  switch (policy) {
    case ReductionPolicy::utrc: removed = std::min(removed, candidates / 2); break;
    case ReductionPolicy::merge:
    case ReductionPolicy::released_utrc: removed = candidates < 2 ? 0 : std::min(removed, (candidates + 1) / 2); break;
    case ReductionPolicy::prune: removed -= fuse && removed > 0; break;
    default: break;
  }
  return rows - removed;
}

std::vector<int32_t> Reduction::protected_rows(const std::vector<int32_t>& offsets, int32_t start) const {
  std::vector<int32_t> result(size_t(offsets.back()));
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int32_t begin = offsets[s], end = offsets[s + 1];
    for (int32_t row = std::max(begin, end - protect_last); row < end; ++row) result[size_t(row)] = 1;
    for (int32_t position : protect) {
      if (position >= start && position < start + end - begin) result[size_t(begin + position - start)] = 1;
    }
  }
  return result;
}

}  // namespace skipscan
