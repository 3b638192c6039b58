// What kernels are written with: CUDA's words, indices, barriers and warp operations.
#pragma once
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "simt/arithmetic.h"
#include "simt/types.h"

// ---- words

#define __global__
#define __device__
#define __host__
#define __forceinline__ __inline__ __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

// A variable with one copy in each block. Its address is looked up by the declaration it stands for; as in
// CUDA, that is one for each instantiation of a template.
#define SKIPSCAN_SHARED(type, name, dims) \
  static char name##_declaration_;        \
  auto& name =                            \
      *static_cast<std::type_identity_t<type dims>*>(simt::shared_variable(&name##_declaration_, sizeof(type dims)))
#define SKIPSCAN_DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(simt::dynamic_shared())

// ---- where a thread is; the scheduler sets them

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

namespace simt {

using Site = std::source_location;

void* shared_variable(const void* declaration, size_t bytes);
void* dynamic_shared();

void block_barrier(const Site& site);
void warp_barrier(unsigned mask, const Site& site);
void memory_fence();

// Every lane named in `mask` deposits `bytes` (<= 256) bytes. Returns the deposits of all 32 lanes, `bytes`
// apart in lane order, valid until the lane's next operation of the warp; those of lanes not in `mask` are
// 0xFF.
const void* gather_warp(unsigned mask, const void* mine, size_t bytes, const Site& site = Site::current());

inline int lane() { return int(((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x) % 32); }

template <class T>
const T* gather_values(unsigned mask, T mine, const Site& site) {
  static_assert(std::is_arithmetic_v<T>, "CUDA shuffles numbers only");
  return static_cast<const T*>(gather_warp(mask, &mine, sizeof(T), site));
}

}  // namespace simt

// ---- barriers

inline void __syncthreads(const simt::Site& site = simt::Site::current()) { simt::block_barrier(site); }
inline void __syncwarp(unsigned mask = 0xffffffffu, const simt::Site& site = simt::Site::current()) {
  simt::warp_barrier(mask, site);
}
inline void __threadfence() { simt::memory_fence(); }
inline void __threadfence_block() { simt::memory_fence(); }

// ---- operations of a warp; none of them makes writes to memory visible

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, const simt::Site& site = simt::Site::current()) {
  const int first = simt::lane() & ~(width - 1);
  return simt::gather_values(mask, value, site)[first | (source & (width - 1))];
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32,
                 const simt::Site& site = simt::Site::current()) {
  const int lane = simt::lane(), first = lane & ~(width - 1);
  return simt::gather_values(mask, value, site)[lane - int(distance) < first ? lane : lane - int(distance)];
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32,
                   const simt::Site& site = simt::Site::current()) {
  const int lane = simt::lane(), last = lane | (width - 1);
  return simt::gather_values(mask, value, site)[lane + int(distance) > last ? lane : lane + int(distance)];
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, const simt::Site& site = simt::Site::current()) {
  const int lane = simt::lane(), last = lane | (width - 1);
  return simt::gather_values(mask, value, site)[(lane ^ bits) > last ? lane : lane ^ bits];
}

inline unsigned __ballot_sync(unsigned mask, int predicate, const simt::Site& site = simt::Site::current()) {
  const int* predicates = simt::gather_values(mask, predicate, site);
  unsigned ballot = 0;
  for (int lane = 0; lane < 32; ++lane) ballot |= unsigned((mask >> lane & 1) && predicates[lane]) << lane;
  return ballot;
}
inline int __any_sync(unsigned mask, int predicate, const simt::Site& site = simt::Site::current()) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, const simt::Site& site = simt::Site::current()) {
  return __ballot_sync(mask, predicate, site) == mask;
}
