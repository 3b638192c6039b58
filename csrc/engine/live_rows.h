// Which rows of packed sequences are alive, before and after each reduction.
#pragma once
#include <string>
#include <vector>

#include "core/arena.h"
#include "engine/pass_inputs.h"
#include "engine/reduction.h"

namespace skipscan {

// The rows that are alive, packed: sequence s is rows offsets[s] .. offsets[s + 1] - 1. The arrays are on the device.
struct LiveRows {
  std::vector<int32_t> offsets;
  int32_t* device_offsets = nullptr;  // (sequences + 1) the same
  int32_t* gaps = nullptr;            // (rows) how many positions each row is after the one before it in its sequence
  // (rows) original positions, tokens that each row stands for, 1 for protected rows; null where no reduction asks for them
  int32_t *positions = nullptr, *sizes = nullptr, *is_protected = nullptr;

  LiveRows() = default;
  // Arrays for `rows` rows; no offsets yet.
  LiveRows(Arena& arena, int64_t rows, int64_t sequences, bool reduces);

  // What describes the rows of a batch, all of which are alive, into a block that holds these arrays. `start` is the position of
  // every sequence's first token. Sets no offsets: they are there.
  void fill(InputBlock& block, const Reduction* reduction, int32_t start) const;

  int64_t count() const { return offsets.back(); }
  int64_t sequences() const { return int64_t(offsets.size()) - 1; }
  int32_t longest() const;
};

// What a reduction left: the original positions of its rows.
struct KeptRows {
  int32_t layer;
  std::vector<int32_t> offsets, positions;
};

// Arrays for what each reduction of a pass leaves; none without one.
std::vector<LiveRows> rows_after_reductions(Arena& arena, const Reduction* reduction, int64_t rows, int64_t sequences);

// Where the policy counts, the host knows what stays without asking the device: sets the offsets of `reduced`, and its arrays to
// those before where a reduction has nothing to remove.
void count_kept_rows(const Reduction& reduction, const LiveRows& batch, int32_t start, std::vector<LiveRows>& reduced);

// The positions that each reduction left, from the device.
Status fetch_kept(const Reduction& reduction, const std::vector<LiveRows>& reduced, Device& device,
                  std::vector<KeptRows>& kept);

// What a recording depends on of a policy that counts.
void append_to_key(const Reduction& reduction, const std::vector<LiveRows>& reduced, std::string& key);

}  // namespace skipscan
