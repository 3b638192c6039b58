// Tensor cores, and the copies that feed them, each instruction with its twin in C++ for the emulated GPU of the tests. T is
// bf16 or f16 throughout. Before sm_80, f16 products take two steps, bf16 ones do not exist (choose another kernel by
// DeviceLimits::capability) and copies are synchronous.
#pragma once
#include <type_traits>

#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"
#ifndef __CUDACC__
#include <cstring>
#include <deque>
#include <vector>
#endif

namespace skipscan::cuda {

// ---- products

// d += a b for a (16 x 16) and b (16 x 8), by the whole warp. With g = lane / 4 and t = lane % 4, a lane holds
//   a[0] = (g, 2t..2t+1)   a[1] = (g + 8, 2t..2t+1)   a[2] = (g, 2t+8..2t+9)   a[3] = (g + 8, 2t+8..2t+9)
//   b[0] = (2t..2t+1, g)   b[1] = (2t+8..2t+9, g)
//   d[0..1] = (g, 2t..2t+1)   d[2..3] = (g + 8, 2t..2t+1)
template <class T>
__device__ inline void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  constexpr bool kBf16 = std::is_same_v<T, bf16>;
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  if constexpr (kBf16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#elif defined(__CUDACC__)
  if constexpr (kBf16) {
    __trap();
  } else {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[half * 2]), "r"(a[half * 2 + 1]), "r"(b[half]));
    }
  }
#else
  struct Fragments {
    unsigned a[4], b[2];
  };
  Fragments mine;
  std::memcpy(mine.a, a, sizeof(a));
  std::memcpy(mine.b, b, sizeof(b));
  const auto* all = static_cast<const Fragments*>(simt::gather_warp(kAllLanes, &mine, sizeof(mine)));
  const auto element = [](unsigned pair, int k) {
    return widen(std::bit_cast<std::conditional_t<kBf16, bf16, f16>>(uint16_t(k % 2 ? pair >> 16 : pair)));
  };
  const int lane = threadIdx.x % kWarp;
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4, below = i / 2, col = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; ++k) {
      const int holder = k % 8 / 2;
      d[i] += element(all[row * 4 + holder].a[k / 8 * 2 + below], k) * element(all[col * 4 + holder].b[k / 8], k);
    }
  }
#endif
}

// ---- fragments from shared memory
//
// Each of lanes 0-7 names one row, 8 elements at a multiple of 16 bytes, of a first 8 x 8 matrix, lanes 8-15 of a second one, and
// so on; r[j] becomes elements (g, 2t..2t+1) of matrix j, or, where it is transposed, (2t, g) and (2t + 1, g). With x2, lanes
// 16-31 name any row that exists.

#ifdef __CUDACC__
__device__ inline unsigned shared_address(const void* p) { return unsigned(__cvta_generic_to_shared(p)); }
#else
template <int kMatrices, bool kTransposed>
void gather_matrices(unsigned (&r)[kMatrices], const void* row) {
  const void* const mine = row;
  const auto* rows = static_cast<const uint16_t* const*>(simt::gather_warp(kAllLanes, &mine, sizeof(mine)));
  const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
  for (int j = 0; j < kMatrices; ++j) {
    const uint16_t low = kTransposed ? rows[j * 8 + t * 2][g] : rows[j * 8 + g][t * 2];
    const uint16_t high = kTransposed ? rows[j * 8 + t * 2 + 1][g] : rows[j * 8 + g][t * 2 + 1];
    r[j] = unsigned(low) | unsigned(high) << 16;
  }
}
#endif

__device__ inline void ldmatrix_x4(unsigned (&r)[4], const void* row) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#else
  gather_matrices<4, false>(r, row);
#endif
}

__device__ inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* row) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#else
  gather_matrices<4, true>(r, row);
#endif
}

__device__ inline void ldmatrix_x2(unsigned (&r)[2], const void* row) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
#else
  gather_matrices<2, false>(r, row);
#endif
}

__device__ inline void ldmatrix_x2_trans(unsigned (&r)[2], const void* row) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
#else
  gather_matrices<2, true>(r, row);
#endif
}

// ---- copies from global to shared memory in the background
//
// A thread starts copies, closes them into a group with cp_async_commit(), and waits until no more than kPending of its latest
// groups are under way with cp_async_wait<kPending>(); a barrier then shows them to the other threads. Wait for all of them
// before the kernel ends.

#ifndef __CUDACC__
// What is in flight lands at the wait and not before; until then its place holds NaN, so that no test passes without the wait.
struct CopiesInFlight {
  struct Copy {
    void* to;
    const void* from;
    int bytes;
  };
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;  // the oldest first

  static CopiesInFlight& of_this_thread() {
    static CopiesInFlight all[1024];
    return all[(threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x];
  }
  void land(size_t pending) {
    for (; groups.size() > pending; groups.pop_front()) {
      for (const Copy& copy : groups.front()) {
        std::memset(copy.to, 0, 16);
        std::memcpy(copy.to, copy.from, copy.bytes);
      }
    }
  }
};
#endif

// 16 bytes, of which the first `bytes` are read and the others are zeros; both addresses are multiples of 16.
__device__ inline void cp_async_16(void* shared, const void* global, int bytes = 16) {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes)
               : "memory");
#elif defined(__CUDACC__)
  uint4 value = make_uint4(0, 0, 0, 0);
  if (bytes == 16) {
    value = *static_cast<const uint4*>(global);
  } else {
    unsigned words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const auto* halves = static_cast<const unsigned short*>(global) + i * 2;
      words[i] = (bytes > i * 4 ? halves[0] : 0u) | (bytes > i * 4 + 2 ? unsigned(halves[1]) << 16 : 0u);
    }
    value = make_uint4(words[0], words[1], words[2], words[3]);
  }
  *static_cast<uint4*>(shared) = value;
#else
  std::memset(shared, 0xff, 16);
  CopiesInFlight::of_this_thread().open.push_back({shared, global, bytes});
#endif
}

__device__ inline void cp_async_commit() {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#elif !defined(__CUDACC__)
  auto& mine = CopiesInFlight::of_this_thread();
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
#endif
}

template <int kPending>
__device__ inline void cp_async_wait() {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#elif !defined(__CUDACC__)
  CopiesInFlight::of_this_thread().land(kPending);
#endif
}

}  // namespace skipscan::cuda
