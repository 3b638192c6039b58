// What a session goes on from: a sequence of a storage that is its own, or that it shares with the sessions it steps with.
#pragma once
#include "engine/state.h"

namespace skipscan {

struct SessionState {
  std::shared_ptr<SequenceState> storage;
  int64_t sequence = 0;

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
