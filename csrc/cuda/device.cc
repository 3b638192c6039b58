#include "cuda/device.h"

#include <algorithm>

#include "cuda/blas.h"
#include "cuda/recordings.h"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

constinit const Backend backend = {
    .name = "cuda",
    .panel = 1,
    .tile_rows = 16384,  // enough to fill any GPU; activations of the largest models then take about 1 GB
    .half_activations = true,
    .embedding = embedding,
    .linear = linear,
    .rms_norm = rms_norm,
    .gated_rms_norm = gated_rms_norm,
    .causal_conv = causal_conv,
    .selective_scan = selective_scan,
    .ssd_scan = ssd_scan,
    .token_importance = token_importance,
    .select_tokens = select_tokens,
    .reduce_tokens = reduce_tokens,
    .selective_state_importance = selective_state_importance,
    .ssd_state_importance = ssd_state_importance,
    .token_logprobs = token_logprobs,
    .depthwise_conv2d = depthwise_conv2d,
    .image_patches = image_patches,
    .scan_paths = scan_paths,
    .layer_norm = layer_norm,
    .mean_rows = mean_rows,
    .add_rows = add_rows,
};

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

class CudaDevice final : public Device {
 public:
  static Status open(int ordinal, std::shared_ptr<Device>* out) {
    std::unique_ptr<Stream> stream;
    SKIPSCAN_TRY(Stream::open(ordinal, &stream));
    auto device = std::make_shared<CudaDevice>(std::move(stream));
    SKIPSCAN_TRY(device->stream_->status_of(cudaStreamCreateWithFlags(&device->transfers_, cudaStreamNonBlocking)));
    *out = std::move(device);
    return {};
  }
  explicit CudaDevice(std::unique_ptr<Stream> stream) : stream_(std::move(stream)), recordings_(*stream_) {}
  ~CudaDevice() override {
    if (stream_->use().ok() && transfers_) cudaStreamDestroy(transfers_);
  }

  const Backend& backend() const override { return cuda::backend; }
  bool is_host() const override { return false; }
  ExecContext context(ThreadPool& pool) override {
    return {.pool = pool, .stream = stream_.get(), .profile = profile()};
  }

  Status allocate(size_t bytes, void** out) override {
    *out = nullptr;
    if (bytes == 0) return {};
    SKIPSCAN_TRY(stream_->use());
    SKIPSCAN_TRY(stream_->status_of(cudaMalloc(out, bytes)));
    return transferred(cudaMemsetAsync(*out, 0, bytes, transfers_));
  }
  void release(void* memory, size_t) noexcept override {
    cudaSetDevice(stream_->limits().ordinal);
    cudaFree(memory);
  }
  Status write(void* to, const void* host, size_t bytes) override {
    return transfer(to, host, bytes, cudaMemcpyHostToDevice);
  }
  Status read(void* host, const void* from, size_t bytes) override {
    return transfer(host, from, bytes, cudaMemcpyDeviceToHost);
  }
  Status duplicate(void* to, const void* from, size_t bytes) override {
    return transfer(to, from, bytes, cudaMemcpyDeviceToDevice);
  }

  Status upload(void* to, const void* host, size_t bytes) override { return stream_->upload(to, host, bytes); }
  Status download(void* host, const void* from, size_t bytes) override { return stream_->download(host, from, bytes); }
  Status copy(void* to, const void* from, size_t bytes) override {
    return stream_->status_of(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_->handle()));
  }
  Status clear(void* at, size_t bytes) override {
    return stream_->status_of(cudaMemsetAsync(at, 0, bytes, stream_->handle()));
  }
  Status wait(int* layer) override { return stream_->wait(layer); }
  Status queue(const std::string& key, const std::function<Status()>& work) override {
    return profile() ? work() : recordings_.queue(key, work);
  }
  Status use() override { return stream_->use(); }
  size_t scratch_bytes() const override { return stream_->scratch_bytes(); }

 private:
  Status transfer(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return {};
    SKIPSCAN_TRY(stream_->use());
    return transferred(cudaMemcpyAsync(to, from, bytes, kind, transfers_));
  }
  Status transferred(cudaError_t error) {
    SKIPSCAN_TRY(stream_->status_of(error));
    return stream_->status_of(cudaStreamSynchronize(transfers_));
  }

  const std::unique_ptr<Stream> stream_;
  Recordings recordings_;
  cudaStream_t transfers_ = nullptr;  // beside the queue, so that copies do not end up in recordings
};

System look() {
  System system;
  int count = 0;
  cudaDriverGetVersion(&system.driver);
  cudaRuntimeGetVersion(&system.runtime);
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    (void)cudaGetLastError();
    if (system.driver == 0) {
      system.why = "no NVIDIA driver was found.";
    } else if (error == cudaErrorInsufficientDriver) {
      system.why = "the NVIDIA driver supports CUDA " + version_text(system.driver) + " but this build needs CUDA " +
                   version_text(system.runtime) + "; update the driver.";
    } else if (error == cudaErrorNoDevice) {
      system.why = "the NVIDIA driver found no GPU.";
    } else {
      system.why = std::string("CUDA could not start: ") + cudaGetErrorString(error) + ".";
    }
    return system;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) {
      (void)cudaGetLastError();
      properties = {};
    }
    system.gpus.push_back({.name = properties.name,
                           .memory = properties.totalGlobalMem,
                           .major = properties.major,
                           .minor = properties.minor,
                           .multiprocessors = properties.multiProcessorCount});
  }
  const auto newest = std::max_element(system.gpus.begin(), system.gpus.end(),
                                       [](const Gpu& a, const Gpu& b) { return a.capability() < b.capability(); });
  if (newest == system.gpus.end()) {
    system.why = "the NVIDIA driver found no GPU.";
  } else if (newest->capability() < kLeastCapability) {
    system.why = "the newest GPU, " + newest->name + ", has compute capability " + std::to_string(newest->major) + "." +
                 std::to_string(newest->minor) + " but the kernels need 7.5 or more (Turing or newer).";
    system.gpus.clear();
  }
  return system;
}

}  // namespace

const System& inspect() {
  static const System system = look();
  return system;
}

Status open(int ordinal, std::shared_ptr<Device>* out) {
  const System& system = inspect();
  if (ordinal < 0 || ordinal >= int(system.gpus.size())) {
    return fail(Code::device, "Device cuda:" + std::to_string(ordinal) + " is not there: " +
                                  (system.why.empty() ? "this machine has " + std::to_string(system.gpus.size()) +
                                                            " CUDA device(s), counted from cuda:0."
                                                      : system.why));
  }
  return CudaDevice::open(ordinal, out);
}

}  // namespace skipscan::cuda
