// Errors, devices and their properties.
#include <cstdio>
#include <cstring>

#include "simt/api.h"
#include "simt/memory.h"
#include "simt/queue.h"
#include "simt/settings.h"

using simt::call, simt::call_without_device, simt::settings;

namespace {

// Few, so that grids whose size follows the device stay small; the rest is an H200's.
constexpr int kMultiprocessors = 4;
constexpr size_t kSharedByDefault = 48 << 10, kSharedReserved = 1 << 10;
constexpr int kRegisters = 65536, kBusWidth = 6144, kCacheBytes = 50 << 20;
constexpr int kVersion = 13000;

bool exists(int device) { return device >= 0 && device < settings().devices; }

struct NamedError {
  cudaError_t error;
  const char *name, *text;
};
#define NAMED(error, text) \
  { error, #error, text }
constexpr NamedError kErrors[] = {
    NAMED(cudaSuccess, "no error"),
    NAMED(cudaErrorInvalidValue, "invalid argument"),
    NAMED(cudaErrorMemoryAllocation, "out of memory"),
    NAMED(cudaErrorInitializationError, "initialization error"),
    NAMED(cudaErrorCudartUnloading, "driver shutting down"),
    NAMED(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    NAMED(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    NAMED(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    NAMED(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    NAMED(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable"),
    NAMED(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    NAMED(cudaErrorInvalidDevice, "invalid device ordinal"),
    NAMED(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    NAMED(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    NAMED(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    NAMED(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    NAMED(cudaErrorNotReady, "device not ready"),
    NAMED(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    NAMED(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    NAMED(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    NAMED(cudaErrorContextIsDestroyed, "context is destroyed"),
    NAMED(cudaErrorAssert, "device-side assert triggered"),
    NAMED(cudaErrorHardwareStackError, "hardware stack error"),
    NAMED(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
    NAMED(cudaErrorMisalignedAddress, "misaligned address"),
    NAMED(cudaErrorInvalidAddressSpace, "operation not supported on global/shared address space"),
    NAMED(cudaErrorInvalidPc, "invalid program counter"),
    NAMED(cudaErrorLaunchFailure, "unspecified launch failure"),
    NAMED(cudaErrorNotSupported, "operation not supported"),
    NAMED(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    NAMED(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    NAMED(cudaErrorStreamCaptureWrongThread,
          "attempt to terminate a thread-local capture sequence from another thread"),
    NAMED(cudaErrorUnknown, "unknown error"),
};
#undef NAMED

const NamedError* named(cudaError_t error) {
  for (const NamedError& known : kErrors) {
    if (known.error == error) return &known;
  }
  return nullptr;
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  return named(error) ? named(error)->name : "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) {
  return named(error) ? named(error)->text : "unrecognized error code";
}
cudaError_t cudaGetLastError() { return simt::last_error(true); }
cudaError_t cudaPeekAtLastError() { return simt::last_error(false); }

cudaError_t cudaGetDeviceCount(int* count) {
  return call_without_device([&] {
    *count = settings().driver ? settings().devices : 0;
    if (!settings().driver) return cudaErrorInsufficientDriver;
    return *count ? cudaSuccess : cudaErrorNoDevice;
  });
}

cudaError_t cudaSetDevice(int device) {
  return call([&] {
    if (!exists(device)) return cudaErrorInvalidDevice;
    simt::select_device(device);
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return call([&] {
    *device = simt::current_device();
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp of;
  if (const cudaError_t error = cudaGetDeviceProperties(&of, device); error != cudaSuccess) return error;
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = of.maxThreadsPerBlock; break;
    case cudaDevAttrMaxGridDimX: *value = 0x7fffffff; break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ: *value = 65535; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = int(of.sharedMemPerBlock); break;
    case cudaDevAttrWarpSize: *value = of.warpSize; break;
    case cudaDevAttrMaxRegistersPerBlock: *value = of.regsPerBlock; break;
    case cudaDevAttrMultiProcessorCount: *value = of.multiProcessorCount; break;
    case cudaDevAttrGlobalMemoryBusWidth: *value = of.memoryBusWidth; break;
    case cudaDevAttrL2CacheSize: *value = of.l2CacheSize; break;
    case cudaDevAttrComputeCapabilityMajor: *value = of.major; break;
    case cudaDevAttrComputeCapabilityMinor: *value = of.minor; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = int(of.sharedMemPerMultiprocessor); break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = int(of.sharedMemPerBlockOptin); break;
    default: return cudaErrorInvalidValue;
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call([&] {
    if (!exists(device)) return cudaErrorInvalidDevice;
    cudaDeviceProp p = {};
    std::snprintf(p.name, sizeof(p.name), "Emulated GPU %d", device);
    p.uuid.bytes[0] = char(device);
    p.totalGlobalMem = settings().memory;
    p.sharedMemPerBlock = kSharedByDefault;
    p.sharedMemPerBlockOptin = settings().shared_limit();
    p.sharedMemPerMultiprocessor = settings().shared_limit() + kSharedReserved;
    p.regsPerBlock = kRegisters;
    p.warpSize = 32;
    p.maxThreadsPerBlock = 1024;
    p.major = settings().capability / 10;
    p.minor = settings().capability % 10;
    p.multiProcessorCount = kMultiprocessors;
    p.memoryBusWidth = kBusWidth;
    p.l2CacheSize = kCacheBytes;
    *properties = p;
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&] {
    *total = settings().memory;
    *free = *total - simt::used_memory(simt::current_device());
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = settings().driver ? kVersion : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call([&] {
    const bool too_large =
        attribute == cudaFuncAttributeMaxDynamicSharedMemorySize && size_t(value) > settings().shared_limit();
    return kernel && value >= 0 && !too_large ? cudaSuccess : cudaErrorInvalidValue;
  });
}
