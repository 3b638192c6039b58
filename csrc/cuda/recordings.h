// Work that came before is played back as a CUDA graph: one launch in place of hundreds, without the host's time for each.
// The first time work runs as it is, which sizes all memory; the second time it is recorded.
#pragma once
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/stream.h"

namespace skipscan::cuda {

class Recordings {
 public:
  explicit Recordings(Stream& stream);
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  // Queues `work`, or its recording. Work with the same key queues the same every time.
  Status queue(const std::string& key, const std::function<Status()>& work);

 private:
  struct Recording {
    cudaGraphExec_t graph = nullptr;
    std::vector<PinnedMemory> constants;
    int scratch_generation = 0;
    int64_t last_used = 0;
    bool refused = false;  // it cannot be recorded
  };

  Status record(const std::function<Status()>& work, Recording& recording);
  void forget_oldest();
  static void clear(Recording& recording);

  Stream& stream_;
  const bool enabled_;
  int64_t clock_ = 0;
  std::unordered_map<std::string, Recording> recordings_;
};

}  // namespace skipscan::cuda
