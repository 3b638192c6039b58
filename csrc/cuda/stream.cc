#include "cuda/stream.h"

#include <cstring>

#include "cuda/blas.h"
#include "cuda/fault.h"

namespace skipscan::cuda {
namespace {

constexpr size_t kStagingBytes = size_t(1) << 20;
constexpr size_t kScratchStep = size_t(1) << 20;  // scratch memory grows by whole multiples

// What CUDA never recovers from: the context is lost, and every further call gets the same error.
bool is_final(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorUnknown: return true;
    default: return false;
  }
}

std::string describe(cudaError_t error) {
  return std::string(cudaGetErrorName(error)) + " (" + cudaGetErrorString(error) + ")";
}

}  // namespace

PinnedMemory::~PinnedMemory() {
  if (data_) cudaFreeHost(data_);
}

cudaError_t PinnedMemory::allocate(size_t bytes, PinnedMemory* out) {
  PinnedMemory memory;
  const cudaError_t error = cudaHostAlloc(&memory.data_, bytes, cudaHostAllocDefault);
  if (error != cudaSuccess) return error;
  memory.bytes_ = bytes;
  *out = std::move(memory);
  return cudaSuccess;
}

Status Stream::open(int ordinal, std::unique_ptr<Stream>* out) {
  std::unique_ptr<Stream> s(new Stream);
  s->limits_.ordinal = ordinal;
  SKIPSCAN_TRY(s->use());
  const auto attribute = [&](cudaDeviceAttr which, int* value) {
    return s->status_of(cudaDeviceGetAttribute(value, which, ordinal));
  };
  int major = 0, minor = 0, shared = 0;
  SKIPSCAN_TRY(attribute(cudaDevAttrComputeCapabilityMajor, &major));
  SKIPSCAN_TRY(attribute(cudaDevAttrComputeCapabilityMinor, &minor));
  SKIPSCAN_TRY(attribute(cudaDevAttrMultiProcessorCount, &s->limits_.multiprocessors));
  SKIPSCAN_TRY(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, &shared));
  s->limits_.capability = major * 10 + minor;
  s->limits_.shared_bytes = size_t(shared);
  if (s->limits_.capability < kLeastCapability) {
    return fail(Code::device, "Device cuda:" + std::to_string(ordinal) + " has compute capability " +
                                  std::to_string(major) + "." + std::to_string(minor) +
                                  " but the kernels need 7.5 or more (Turing or newer). Use another GPU or 'cpu'.");
  }
  SKIPSCAN_TRY(s->status_of(cudaStreamCreateWithFlags(&s->handle_, cudaStreamNonBlocking)));
  SKIPSCAN_TRY(s->status_of(cudaMalloc(reinterpret_cast<void**>(&s->fault_), sizeof(kNoFault))));
  SKIPSCAN_TRY(s->status_of(cudaMemsetAsync(s->fault_, 0xff, sizeof(kNoFault), s->handle_)));
  SKIPSCAN_TRY(s->status_of(PinnedMemory::allocate(kStagingBytes, &s->staging_)));
  SKIPSCAN_TRY(s->status_of(PinnedMemory::allocate(kStagingBytes, &s->inbox_)));
  s->blas_ = Blas::open(ordinal);
  *out = std::move(s);
  return {};
}

Stream::Stream() = default;

Stream::~Stream() {
  cudaSetDevice(limits_.ordinal);
  if (handle_) {
    cudaStreamSynchronize(handle_);
    cudaStreamDestroy(handle_);
  }
  if (scratch_) cudaFree(scratch_);
  if (fault_) cudaFree(fault_);
}

Status Stream::use() { return status_of(cudaSetDevice(limits_.ordinal)); }

Status Stream::scratch(size_t bytes, void** out) {
  if (bytes > scratch_bytes_) {
    if (constants_) return fail(Code::native, "Scratch memory would have to grow while kernels are recorded.");
    const size_t wanted = (bytes + kScratchStep - 1) / kScratchStep * kScratchStep;
    // The old memory is still in use by what is queued: freeing it waits for that.
    if (scratch_) SKIPSCAN_TRY(status_of(cudaFree(scratch_)));
    scratch_ = nullptr;
    scratch_bytes_ = 0;
    ++scratch_generation_;
    SKIPSCAN_TRY(status_of(cudaMalloc(&scratch_, wanted)));
    scratch_bytes_ = wanted;
  }
  *out = scratch_;
  return {};
}

Status Stream::upload(void* to, const void* host, size_t bytes) {
  if (bytes == 0) return {};
  void* from;
  if (constants_) {
    PinnedMemory constant;
    SKIPSCAN_TRY(status_of(PinnedMemory::allocate(bytes, &constant)));
    from = constant.data();
    constants_->push_back(std::move(constant));
  } else {
    if (staged_ + bytes > staging_.bytes()) {
      // What is staged may still be on its way.
      SKIPSCAN_TRY(status_of(cudaStreamSynchronize(handle_)));
      staged_ = 0;
      if (bytes > staging_.bytes()) SKIPSCAN_TRY(status_of(PinnedMemory::allocate(2 * bytes, &staging_)));
    }
    from = static_cast<std::byte*>(staging_.data()) + staged_;
    staged_ += (bytes + 15) / 16 * 16;
  }
  std::memcpy(from, host, bytes);
  return status_of(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, handle_));
}

Status Stream::download(void* host, const void* from, size_t bytes) {
  if (bytes == 0) return {};
  // The driver copies to memory that is not pinned in pieces of its own, which is slow for small sizes.
  const bool small = bytes <= inbox_.bytes();
  SKIPSCAN_TRY(status_of(cudaMemcpyAsync(small ? inbox_.data() : host, from, bytes, cudaMemcpyDeviceToHost, handle_)));
  SKIPSCAN_TRY(status_of(cudaStreamSynchronize(handle_)));
  if (small) std::memcpy(host, inbox_.data(), bytes);
  return {};
}

Status Stream::wait(int* layer) {
  unsigned long long fault;
  SKIPSCAN_TRY(download(&fault, fault_, sizeof fault));
  staged_ = 0;
  if (fault == kNoFault) return {};
  SKIPSCAN_TRY(status_of(cudaMemsetAsync(fault_, 0xff, sizeof fault, handle_)));
  return describe_fault(fault, layer);
}

Status Stream::status_of(cudaError_t error) {
  std::lock_guard lock(broken_mutex_);
  if (!broken_.ok()) return broken_;
  if (error == cudaSuccess) return {};
  (void)cudaGetLastError();  // else the next launch would report it again
  const std::string device = "cuda:" + std::to_string(limits_.ordinal);
  if (error == cudaErrorMemoryAllocation) {
    return fail(Code::out_of_memory,
                "Device " + device +
                    " has no memory left for this call. Use a shorter prompt or a smaller batch, or "
                    "dispose models, sessions and tensors that are no longer needed.");
  }
  if (error == cudaErrorNoKernelImageForDevice) {
    return fail(Code::device,
                "Device " + device + " has compute capability " + std::to_string(limits_.capability / 10) + "." +
                    std::to_string(limits_.capability % 10) +
                    ", for which this build has no kernels. Build the package on that machine, or use 'cpu'.");
  }
  Status status = fail(Code::device, "Device " + device + " failed: " + describe(error) + ".");
  if (is_final(error)) {
    status.message += " What is on the device is lost; start the process anew to use it again.";
    broken_ = status;
  }
  return status;
}

}  // namespace skipscan::cuda
