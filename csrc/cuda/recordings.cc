#include "cuda/recordings.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace skipscan::cuda {
namespace {

constexpr size_t kMostRecordings = 32;

// SKIPSCAN_CUDA_GRAPHS=off runs everything as it is: to compare, and for debuggers.
bool enabled_by_environment() {
  const char* setting = std::getenv("SKIPSCAN_CUDA_GRAPHS");
  return !setting || std::strcmp(setting, "off") != 0;
}

}  // namespace

Recordings::Recordings(Stream& stream) : stream_(stream), enabled_(enabled_by_environment()) {}

Recordings::~Recordings() {
  for (auto& [key, recording] : recordings_) clear(recording);
}

Status Recordings::queue(const std::string& key, const std::function<Status()>& work) {
  if (key.empty() || !enabled_) return work();
  auto [at, is_new] = recordings_.try_emplace(key);
  Recording& recording = at->second;
  recording.last_used = ++clock_;
  const int generation = stream_.scratch_generation();
  if (is_new) {
    if (recordings_.size() > kMostRecordings) forget_oldest();
    Status status = work();
    // By reference no more: work may queue, and so forget, recordings of its own some day.
    if (const auto found = recordings_.find(key); found != recordings_.end()) {
      found->second.scratch_generation = stream_.scratch_generation();
    }
    return status;
  }
  if (recording.scratch_generation != generation) {  // memory has moved since
    clear(recording);
    recording.scratch_generation = generation;
  }
  if (!recording.graph && !recording.refused) SKIPSCAN_TRY(record(work, recording));
  if (recording.refused) return work();
  return stream_.status_of(cudaGraphLaunch(recording.graph, stream_.handle()));
}

// Leaves either a graph, or the mark that there is none. Only an abort or a lost device is an error.
Status Recordings::record(const std::function<Status()>& work, Recording& recording) {
  SKIPSCAN_TRY(stream_.status_of(cudaStreamBeginCapture(stream_.handle(), cudaStreamCaptureModeRelaxed)));
  stream_.keep_constants_in(&recording.constants);
  Status status = work();
  stream_.keep_constants_in(nullptr);
  cudaGraph_t graph = nullptr;
  cudaError_t error = cudaStreamEndCapture(stream_.handle(), &graph);
  if (status.ok() && error == cudaSuccess) error = cudaGraphInstantiate(&recording.graph, graph, 0);
  if (graph) cudaGraphDestroy(graph);
  if (status.ok() && error == cudaSuccess) return {};
  (void)cudaGetLastError();
  clear(recording);
  if (status.code == Code::aborted) return status;
  recording.refused = true;
  return stream_.status_of(cudaSuccess);
}

void Recordings::forget_oldest() {
  const auto oldest = std::min_element(recordings_.begin(), recordings_.end(), [](const auto& a, const auto& b) {
    return a.second.last_used < b.second.last_used;
  });
  clear(oldest->second);
  recordings_.erase(oldest);
}

void Recordings::clear(Recording& recording) {
  if (recording.graph) cudaGraphExecDestroy(recording.graph);
  recording.graph = nullptr;
  recording.constants.clear();
}

}  // namespace skipscan::cuda
