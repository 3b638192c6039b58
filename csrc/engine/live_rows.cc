#include "engine/live_rows.h"

#include <algorithm>
#include <iterator>

#include "engine/recording_key.h"

namespace skipscan {

LiveRows::LiveRows(Arena& arena, int64_t rows, int64_t sequences, bool reduces)
    : device_offsets(arena.take<int32_t>(sequences + 1)), gaps(arena.take<int32_t>(rows)) {
  if (!reduces) return;
  positions = arena.take<int32_t>(rows);
  sizes = arena.take<int32_t>(rows);
  is_protected = arena.take<int32_t>(rows);
}

int32_t LiveRows::longest() const {
  int32_t longest = 0;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) longest = std::max(longest, offsets[s + 1] - offsets[s]);
  return longest;
}

void LiveRows::fill(InputBlock& block, const Reduction* reduction, int32_t start) const {
  const size_t rows = size_t(count());
  block.fill(device_offsets, offsets);
  block.fill(gaps, std::vector<int32_t>(rows, 1));
  if (!positions) return;
  std::vector<int32_t> numbers;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (int32_t i = 0; i < offsets[s + 1] - offsets[s]; ++i) numbers.push_back(start + i);
  }
  block.fill(positions, numbers);
  block.fill(sizes, std::vector<int32_t>(rows, 1));
  if (reduction) block.fill(is_protected, reduction->protected_rows(offsets, start));
}

std::vector<LiveRows> rows_after_reductions(Arena& arena, const Reduction* reduction, int64_t rows, int64_t sequences) {
  std::vector<LiveRows> result;
  for (size_t i = 0; reduction && i < reduction->layers.size(); ++i) result.emplace_back(arena, rows, sequences, true);
  return result;
}

void count_kept_rows(const Reduction& reduction, const LiveRows& batch, int32_t start, std::vector<LiveRows>& reduced) {
  if (!reduction.counts()) return;
  const std::vector<int32_t> is_protected = reduction.protected_rows(batch.offsets, start);
  const LiveRows* before = &batch;
  for (LiveRows& after : reduced) {
    after.offsets.assign(1, 0);
    for (size_t s = 0; s + 1 < before->offsets.size(); ++s) {
      // Protected rows always stay, so there are as many as in the batch.
      const int64_t protected_rows =
          std::count(is_protected.begin() + batch.offsets[s], is_protected.begin() + batch.offsets[s + 1], 1);
      const int64_t kept =
          reduction.kept_rows(before->offsets[s + 1] - before->offsets[s], protected_rows, reduction.keep[s]);
      after.offsets.push_back(after.offsets.back() + int32_t(kept));
    }
    if (after.offsets == before->offsets) after = *before;  // nothing to remove: not a bit changes
    before = &after;
  }
}

Status fetch_kept(const Reduction& reduction, const std::vector<LiveRows>& reduced, Device& device,
                  std::vector<KeptRows>& kept) {
  for (size_t i = 0; i < reduced.size(); ++i) {
    const LiveRows& rows = reduced[i];
    KeptRows left = {reduction.layers[i], rows.offsets, std::vector<int32_t>(size_t(rows.count()))};
    SKIPSCAN_TRY(device.download(left.positions.data(), rows.positions, left.positions.size() * sizeof(int32_t)));
    kept.push_back(std::move(left));
  }
  return {};
}

void append_to_key(const Reduction& r, const std::vector<LiveRows>& reduced, std::string& key) {
  append(key, r.layers);
  for (const LiveRows& rows : reduced) append(key, rows.offsets);
  const double numbers[] = {r.q_hidden, r.q_residual};
  append(key, numbers, std::size(numbers));
  append(key, &r.seed, 1);
  const uint8_t choices[] = {uint8_t(r.policy),
                             uint8_t(r.metric),
                             uint8_t(r.source),
                             uint8_t(r.alignment),
                             uint8_t(r.conv),
                             uint8_t(r.similarity),
                             r.fuse,
                             r.forward};
  append(key, choices, std::size(choices));
}

}  // namespace skipscan
