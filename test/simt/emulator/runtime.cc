// The emulated CUDA runtime answers as CUDA's does.
#include <cstring>
#include <thread>
#include <vector>

#include "simt/emulator/scenario.h"

__global__ void add(int* x, int by) { atomicAdd(x, by); }
__global__ void nothing() {}

// ---- memory and copies

SCENARIO(allocations) {
  size_t free = 0, total = 0;
  CHECK_OK(cudaMemGetInfo(&free, &total));
  CHECK(total == 1 << 20 && free == total);  // SIMT_MEMORY
  void *a = nullptr, *b = &a;
  CHECK_OK(cudaMalloc(&a, 1 << 19));
  CHECK_ERROR(cudaMalloc(&b, (1 << 19) + 1), cudaErrorMemoryAllocation);
  CHECK(a && !b && reinterpret_cast<uintptr_t>(a) % 256 == 0);
  CHECK_OK(cudaMemGetInfo(&free, &total));
  CHECK(free == 1 << 19);
  CHECK_OK(cudaFree(a));
  CHECK_OK(cudaFree(nullptr));
  CHECK_ERROR(cudaFree(a), cudaErrorInvalidValue);
  CHECK_ERROR(cudaFree(&a), cudaErrorInvalidValue);
  CHECK_ERROR(cudaFreeHost(&a), cudaErrorInvalidValue);
  CHECK_OK(cudaMalloc(&a, 0));
  CHECK(!a);
  CHECK((DeviceArray<unsigned>(1)[0] == 0xffffffffu));
}

SCENARIO(copies) {
  DeviceArray<int> x(6), y(6);
  int host[6] = {1, 2, 3, 4, 5, 6}, back[6] = {};
  CHECK_OK(cudaMemcpy(x.data, host, sizeof host, cudaMemcpyHostToDevice));
  CHECK_OK(cudaMemcpy(y.data, x.data, sizeof host, cudaMemcpyDeviceToDevice));
  CHECK_OK(cudaMemcpy(back, y.data, sizeof host, cudaMemcpyDefault));
  CHECK(std::memcmp(host, back, sizeof host) == 0);
  // The 2 x 2 corner of 2 x 3 numbers.
  CHECK_OK(cudaMemcpy2DAsync(back, 8, x.data, 12, 8, 2, cudaMemcpyDeviceToHost));
  CHECK(back[0] == 1 && back[1] == 2 && back[2] == 4 && back[3] == 5);
  CHECK_OK(cudaMemsetAsync(x.data + 1, 0, 8));
  CHECK(x[0] == 1 && x[1] == 0 && x[2] == 0 && x[3] == 4);
  CHECK_ERROR(cudaMemcpy(x.data, host, sizeof host, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  CHECK_ERROR(cudaMemcpy(x.data + 1, host, sizeof host, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  CHECK_ERROR(cudaMemcpy2DAsync(x.data, 4, host, 8, 8, 2, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
  CHECK_ERROR(cudaMemset(x.data, 0, 25), cudaErrorInvalidValue);
}

// ---- streams

SCENARIO(work_waits_for_its_stream) {
  Stream one, other;
  DeviceArray<int> x(1);
  x.clear();
  PinnedInt up(1), down(0);
  CHECK_OK(cudaDeviceSynchronize());
  CHECK_OK(cudaMemcpyAsync(x.data, up.data, 4, cudaMemcpyHostToDevice, one));
  CHECK_OK(simt::launch(add, 1, 1, 0, one, x.data, 10));
  CHECK_OK(cudaMemcpyAsync(down.data, x.data, 4, cudaMemcpyDeviceToHost, one));
  *up.data = 5;  // a mistake, which shows: the copy has not run
  CHECK_OK(cudaStreamSynchronize(other));
  CHECK_OK(cudaStreamSynchronize(nullptr));
  CHECK(*down.data == 0);
  CHECK_OK(cudaStreamSynchronize(one));
  CHECK(*down.data == 15);
}

SCENARIO(pageable_memory_is_copied_at_once) {
  Stream stream;
  DeviceArray<int> x(1);
  int host = 1;
  CHECK_OK(cudaMemcpyAsync(x.data, &host, 4, cudaMemcpyHostToDevice, stream));
  host = 5;
  CHECK_OK(cudaMemcpyAsync(&host, x.data, 4, cudaMemcpyDeviceToHost, stream));
  CHECK(host == 1);
}

SCENARIO(eager_work_runs_at_once) {  // SIMT_QUEUE=eager
  Stream stream;
  DeviceArray<int> x(1);
  x.clear();
  PinnedInt down(0);
  CHECK_OK(simt::launch(add, 1, 1, 0, stream, x.data, 7));
  CHECK_OK(cudaMemcpyAsync(down.data, x.data, 4, cudaMemcpyDeviceToHost, stream));
  CHECK(*down.data == 7);
}

SCENARIO(polling_gets_on) {
  Stream stream;
  DeviceArray<int> x(1);
  cudaEvent_t start, end;
  float milliseconds = -1;
  CHECK_OK(cudaEventCreate(&start));
  CHECK_OK(cudaEventCreateWithFlags(&end, cudaEventDefault));
  CHECK_OK(cudaStreamQuery(stream));
  CHECK_OK(cudaEventRecord(start, stream));
  for (int i = 0; i < 3; ++i) CHECK_OK(simt::launch(add, 1, 1, 0, stream, x.data, 1));
  CHECK_OK(cudaEventRecord(end, stream));
  CHECK_ERROR(cudaEventQuery(end), cudaErrorNotReady);
  CHECK_ERROR(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  CHECK_ERROR(cudaStreamQuery(stream), cudaErrorNotReady);
  CHECK_OK(cudaEventSynchronize(end));
  CHECK_OK(cudaEventElapsedTime(&milliseconds, start, end));
  CHECK(milliseconds >= 0);
  CHECK_OK(cudaStreamQuery(stream));
  CHECK_OK(cudaPeekAtLastError());  // not being ready is no failure
  CHECK_OK(cudaEventDestroy(start));
  CHECK_OK(cudaEventDestroy(end));
}

SCENARIO(host_threads_share_the_machine) {
  DeviceArray<int> x(1);
  x.clear();
  CHECK_OK(cudaDeviceSynchronize());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Stream stream;
      for (int i = 0; i < 20; ++i) {
        CHECK_OK(simt::launch(add, 2, 33, 0, stream, x.data, 1));
        CHECK_OK(cudaStreamSynchronize(stream));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(x[0] == 4 * 20 * 2 * 33);
}

// ---- launches

SCENARIO(launches_that_no_device_can_run) {
  CHECK_ERROR(simt::launch(nothing, 0, 32, 0, nullptr), cudaErrorInvalidConfiguration);
  CHECK_ERROR(simt::launch(nothing, dim3(1, 65536), 32, 0, nullptr), cudaErrorInvalidConfiguration);
  CHECK_ERROR(simt::launch(nothing, 1, 1025, 0, nullptr), cudaErrorInvalidConfiguration);
  CHECK_ERROR(simt::launch(nothing, 1, dim3(1, 1, 65), 0, nullptr), cudaErrorInvalidConfiguration);
  CHECK_ERROR(simt::launch(nothing, 1, 32, (227 << 10) + 1, nullptr), cudaErrorInvalidValue);
  CHECK_ERROR(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
              cudaErrorInvalidValue);
  CHECK_ERROR(cudaPeekAtLastError(), cudaErrorInvalidValue);
  CHECK_ERROR(cudaGetLastError(), cudaErrorInvalidValue);
  CHECK_OK(cudaGetLastError());
  CHECK_OK(simt::launch(nothing, 1, 32, 0, nullptr));
}

SCENARIO(second_launch_fails) {  // SIMT_FAIL=launch:2
  DeviceArray<int> x(1);
  void* p = nullptr;
  CHECK_OK(simt::launch(nothing, 1, 1, 0, nullptr));
  CHECK_OK(cudaDeviceSynchronize());
  CHECK_OK(simt::launch(nothing, 1, 1, 0, nullptr));
  CHECK_ERROR(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  CHECK_ERROR(cudaMalloc(&p, 4), cudaErrorIllegalAddress);
  CHECK_ERROR(cudaGetLastError(), cudaErrorIllegalAddress);
  CHECK_ERROR(cudaGetLastError(), cudaErrorIllegalAddress);
}

// ---- devices

SCENARIO(two_devices) {  // SIMT_DEVICES=2 SIMT_CAPABILITY=75
  int count = 0, value = 0;
  cudaDeviceProp properties;
  CHECK_OK(cudaGetDeviceCount(&count));
  CHECK(count == 2);
  CHECK_OK(cudaGetDeviceProperties(&properties, 1));
  CHECK(std::strcmp(properties.name, "Emulated GPU 1") == 0 && properties.major == 7 && properties.minor == 5);
  CHECK_OK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  CHECK(value == 64 << 10 && properties.sharedMemPerBlockOptin == 64 << 10);
  CHECK_OK(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0));
  CHECK(value == properties.multiProcessorCount);
  CHECK_ERROR(cudaGetDeviceProperties(&properties, 2), cudaErrorInvalidDevice);
  CHECK_ERROR(cudaSetDevice(2), cudaErrorInvalidDevice);
  Stream of_first;
  CHECK_OK(cudaSetDevice(1));
  CHECK_OK(cudaGetDevice(&value));
  CHECK(value == 1);
  CHECK_ERROR(simt::launch(nothing, 1, 1, 0, of_first), cudaErrorInvalidResourceHandle);
  std::thread([] {
    int device = -1;
    CHECK_OK(cudaGetDevice(&device));
    CHECK(device == 0);
  }).join();
  size_t free = 0, total = 0;
  DeviceArray<char> of_second(100);
  CHECK_OK(cudaSetDevice(0));
  CHECK_OK(cudaMemGetInfo(&free, &total));
  CHECK(free == total);
}

SCENARIO(no_device) {  // SIMT_DEVICES=0
  int count = -1;
  void* p = nullptr;
  CHECK_ERROR(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  CHECK(count == 0);
  CHECK_ERROR(cudaMalloc(&p, 4), cudaErrorNoDevice);
}

SCENARIO(no_driver) {  // SIMT_DRIVER=none
  int count = -1, version = -1;
  CHECK_ERROR(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  CHECK(count == 0);
  CHECK_OK(cudaDriverGetVersion(&version));
  CHECK(version == 0);
  CHECK_ERROR(cudaSetDevice(0), cudaErrorInsufficientDriver);
}

SCENARIO(errors_have_names) {
  CHECK(std::strcmp(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation") == 0);
  CHECK(std::strcmp(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory") == 0);
  CHECK(std::strcmp(cudaGetErrorName(cudaError_t(998)), "unrecognized error code") == 0);
}
