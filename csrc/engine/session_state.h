// What a session goes on from: a sequence of a storage that is its own, or that it shares with the sessions it steps with. A copy of
// this is a clone: both hold the same sequence, which neither writes to then; who goes on first takes another.
#pragma once
#include "engine/state.h"

namespace skipscan {

struct SessionState {
  explicit SessionState(std::shared_ptr<SequenceState> in, int64_t of = 0) : storage(std::move(in)), sequence(of) {}

  std::shared_ptr<SequenceState> storage;
  int64_t sequence;
  std::shared_ptr<const char> holders = std::make_shared<const char>();  // one for each clone

  bool is_shared() const { return holders.use_count() > 1; }

  const float* conv(int32_t layer) const { return storage->conv(layer, sequence); }
  const float* ssm(int32_t layer) const { return storage->ssm(layer, sequence); }
  int64_t bytes() const { return storage->sequence_bytes(); }

  Status copy_from(const SessionState& other) {
    return storage->copy_sequence(sequence, *other.storage, other.sequence);
  }
  // Takes over sequence `from` of `other`, which may then hold anything.
  Status take(SequenceState& other, int64_t from) {
    if (storage->sequences() == 1 && other.sequences() == 1) return storage->replace_with(other);
    return storage->copy_sequence(sequence, other, from);
  }
  Status write(const void* bytes_of_sequence) { return storage->write(sequence, bytes_of_sequence); }
  Status read(void* to) const { return storage->read(sequence, to); }
  // A part of it: `from` is conv(layer) or ssm(layer).
  Status read(void* to, const float* from, int64_t floats) const { return storage->read(to, from, floats); }
};

using SessionStates = std::vector<std::shared_ptr<SessionState>>;

}  // namespace skipscan
