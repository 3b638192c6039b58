// Correct kernels: they compute the right numbers, and the same ones in whatever order threads run.
#include <cstring>

#include "simt/emulator/scenario.h"

// ---- indices

__global__ void count_threads(int* counts) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  atomicAdd(&counts[block * blockDim.x * blockDim.y * blockDim.z + thread], 1);
}

static void check_indices(const dim3& grid, const dim3& block) {
  DeviceArray<int> counts(size_t(grid.x) * grid.y * grid.z * block.x * block.y * block.z);
  counts.clear();
  CHECK_OK(simt::launch(count_threads, grid, block, 0, nullptr, counts.data));
  for (size_t i = 0; i < counts.count; ++i) CHECK(counts[i] == 1);
}

SCENARIO(indices) {
  check_indices(dim3(3, 2, 2), dim3(5, 4, 3));
  check_indices(1, 1024);
}

// ---- sums through shuffles, shared memory and barriers; rounding makes the order of additions visible

__global__ void __launch_bounds__(256) scan(float* __restrict__ y, const float* __restrict__ x, int n) {
  SKIPSCAN_SHARED(float, of_warp, [8]);
  SKIPSCAN_DYNAMIC_SHARED(float, last);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float carry = 0;
  for (int first = 0; first < n; first += 256) {
    const int i = first + int(threadIdx.x);
    float sum = i < n ? __ldg(x + i) : 0;
    for (int distance = 1; distance < 32; distance *= 2) {
      const float before = __shfl_up_sync(kAll, sum, distance);
      if (lane >= distance) sum += before;
    }
    if (lane == 31) of_warp[warp] = sum;
    __syncthreads();
    for (int w = 0; w < warp; ++w) sum += of_warp[w];
    if (threadIdx.x == 255) *last = sum + carry;
    if (i < n) y[i] = sum + carry;
    __syncthreads();
    carry = *last;
  }
}

SCENARIO(scan_prints_bits) {
  constexpr int n = 1000;
  float host[n], got[n];
  for (int i = 0; i < n; ++i) host[i] = 1 / float(i + 1);
  DeviceArray<float> x(n), y(n);
  CHECK_OK(cudaMemcpy(x.data, host, sizeof host, cudaMemcpyHostToDevice));
  CHECK_OK(simt::launch(scan, 1, 256, sizeof(float), nullptr, y.data, x.data, n));
  CHECK_OK(cudaMemcpy(got, y.data, sizeof got, cudaMemcpyDeviceToHost));
  double expected = 0;
  unsigned long long hash = 0;
  for (int i = 0; i < n; ++i) {
    expected += host[i];
    CHECK(std::fabs(got[i] - expected) < 1e-5);
    hash = hash * 1000003 + __float_as_uint(got[i]);
  }
  std::printf("%llx\n", hash);
}

// ---- operations of a warp

__global__ void shuffles(int* wrong) {
  const int lane = threadIdx.x % 32;
  for (int width = 1; width <= 32; width *= 2) {
    const int first = lane / width * width;
    for (int by = 0; by < 32; ++by) {
      const int up = lane - by < first ? lane : lane - by;
      const int down = lane + by >= first + width ? lane : lane + by;
      const int across = (lane ^ by) >= first + width ? lane : lane ^ by;
      bool right = __shfl_sync(kAll, lane * 10, by, width) == (first + by % width) * 10;
      right &= __shfl_up_sync(kAll, double(lane), by, width) == up;
      right &= __shfl_down_sync(kAll, float(lane), by, width) == float(down);
      right &= __shfl_xor_sync(kAll, 1ull << lane, by, width) == 1ull << across;
      if (!right) atomicAdd(wrong, 1);
    }
  }
}

struct Fragment {
  int values[64];
};

// Halves of a warp go their own ways, with different numbers of operations, and meet again.
__global__ void votes(int* wrong) {
  const int lane = threadIdx.x % 32;
  const unsigned half = lane < 16 ? 0xffffu : 0xffff0000u;
  int sum = lane;
  for (int i = 0; i < (lane < 16 ? 3 : 4); ++i) sum += __shfl_xor_sync(half, sum, 1 << i % 4);
  bool right =
      __shfl_sync(kAll, sum, 0) == (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7) && __shfl_sync(kAll, sum, 31) == 16 * 47 / 2;
  right &= __ballot_sync(kAll, lane % 3 == 0) == 0x49249249u && __ballot_sync(half, 1) == half;
  right &= __any_sync(half, lane == 3) == (lane < 16) && __all_sync(half, lane < 16) == (lane < 16);
  Fragment mine;
  for (int& value : mine.values) value = lane;
  const auto* all = static_cast<const Fragment*>(simt::gather_warp(kAll, &mine, sizeof mine));
  for (int i = 0; i < 32; ++i) right &= all[i].values[63] == i;
  if (!right) atomicAdd(wrong, 1);
}

SCENARIO(warps) {
  DeviceArray<int> wrong(1);
  wrong.clear();
  CHECK_OK(simt::launch(shuffles, 2, 96, 0, nullptr, wrong.data));
  CHECK_OK(simt::launch(votes, 2, 64, 0, nullptr, wrong.data));
  CHECK(wrong[0] == 0);
}

// ---- a warp's own barrier orders its memory

__global__ void turn_round(int* y) {
  SKIPSCAN_SHARED(int, x, [64]);
  const unsigned lane = threadIdx.x % 32, first = threadIdx.x - lane;
  for (int i = 0; i < 3; ++i) {
    x[threadIdx.x] = int(lane) + i;
    __syncwarp();
    y[threadIdx.x] = x[first + 31 - lane];
    __syncwarp();
  }
}

SCENARIO(warp_barriers) {
  DeviceArray<int> y(64);
  CHECK_OK(simt::launch(turn_round, 1, 64, 0, nullptr, y.data));
  for (int i = 0; i < 64; ++i) CHECK(y[i] == 31 - i % 32 + 2);
}

// ---- shared memory

template <class T>
__device__ T* variable_of() {
  SKIPSCAN_SHARED(T, variable, [4]);
  return variable;
}

__global__ void poisoned(int* wrong, int dynamic) {
  SKIPSCAN_SHARED(float, a, [2][3]);
  SKIPSCAN_SHARED(unsigned, b, );
  SKIPSCAN_DYNAMIC_SHARED(unsigned char, c);
  const bool right = a[1][2] != a[1][2] && b == 0xffffffffu && c[0] == 0xff && c[dynamic - 1] == 0xff &&
                     reinterpret_cast<uintptr_t>(a) % 16 == 0 && reinterpret_cast<uintptr_t>(c) % 16 == 0 &&
                     static_cast<void*>(variable_of<int>()) != variable_of<float>() &&
                     variable_of<int>() == variable_of<int>();
  if (!right) atomicAdd(wrong, 1);
  __syncthreads();
  a[1][2] = 1;  // not seen by the next block
}

SCENARIO(shared_memory) {
  DeviceArray<int> wrong(1);
  wrong.clear();
  const int dynamic = (227 << 10) - 1024;
  CHECK_OK(cudaFuncSetAttribute(poisoned, cudaFuncAttributeMaxDynamicSharedMemorySize, dynamic));
  CHECK_OK(simt::launch(poisoned, 3, 1, dynamic, nullptr, wrong.data, dynamic));
  CHECK(wrong[0] == 0);
}

// ---- atomics

struct Totals {
  int sum, least, most;
  unsigned usum, uleast, umost, changed;
  unsigned long long long_sum, long_least, long_most;
};

__global__ void total(Totals* t) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x) + 1;
  atomicAdd(&t->sum, -i);
  atomicMin(&t->least, -i);
  atomicMax(&t->most, i);
  atomicAdd(&t->usum, unsigned(i));
  atomicMin(&t->uleast, unsigned(i));
  atomicMax(&t->umost, unsigned(i));
  atomicAdd(&t->long_sum, 1ull << 40);
  atomicMin(&t->long_least, ~0ull - unsigned(i));
  atomicMax(&t->long_most, 1ull << 50 | unsigned(i));
  if (atomicCAS(&t->changed, unsigned(i - 1), unsigned(i)) == unsigned(i - 1)) atomicAdd(&t->sum, 0);
}

SCENARIO(atomics) {
  DeviceArray<Totals> totals(1);
  Totals start = {};
  start.uleast = ~0u;
  start.long_least = ~0ull;
  CHECK_OK(cudaMemcpy(totals.data, &start, sizeof start, cudaMemcpyHostToDevice));
  CHECK_OK(simt::launch(total, 4, 64, 0, nullptr, totals.data));
  const Totals t = totals[0];
  CHECK(t.sum == -256 * 257 / 2 && t.least == -256 && t.most == 256);
  CHECK(t.usum == 256 * 257 / 2 && t.uleast == 1 && t.umost == 256 && t.changed >= 1);
  CHECK(t.long_sum == 256ull << 40 && t.long_least == ~0ull - 256 && t.long_most == (1ull << 50 | 256));
}

// The last block to finish sums what the others have left.
__global__ void sum_by_last_block(int* parts, unsigned* finished, int* sum) {
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = int(blockIdx.x) + 1;
    __threadfence();
    if (atomicAdd(finished, 1u) == gridDim.x - 1) {
      __threadfence();
      int s = 0;
      for (unsigned b = 0; b < gridDim.x; ++b) s += parts[b];
      *sum = s;
    }
  }
}

SCENARIO(last_block) {
  DeviceArray<int> parts(10), sum(1);
  DeviceArray<unsigned> finished(1);
  finished.clear();
  CHECK_OK(simt::launch(sum_by_last_block, 10, 32, 0, nullptr, parts.data, finished.data, sum.data));
  CHECK(sum[0] == 55);
}

// ---- arithmetic

SCENARIO(arithmetic) {
  const float nan = __uint_as_float(0x7fffffff);
  CHECK(min(nan, 1.f) == 1 && max(1.f, nan) == 1 && fmaxf(nan, -1) == -1 && min(-1, 1u) == 1u && max(3l, 2l) == 3);
  CHECK(__popc(0xf0f0u) == 8 && __ffs(0) == 0 && __ffs(8) == 4 && __clz(0) == 32 && __clz(1) == 31);
  CHECK(__float_as_uint(1.f) == 0x3f800000 && __float_as_int(-0.f) == int(0x80000000) &&
        __int_as_float(0x40000000) == 2);
  CHECK(rsqrtf(4) == 0.5f && fmaf(2, 3, 4) == 10);
  CHECK(sizeof(float4) == 16 && alignof(uint4) == 16 && alignof(int2) == 8 && make_float4(1, 2, 3, 4).w == 4);
}
