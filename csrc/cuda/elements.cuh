// Loads, stores and conversions of activations, and what operators share in choosing kernels by dtype.
#pragma once
#include "core/elements.h"
#include "cuda/launch.cuh"
#include "cuda/ptx.cuh"
#include "ops/op.h"

namespace skipscan::cuda {

__device__ inline float load(const float* p) { return *p; }
__device__ inline float load(const bf16* p) { return widen(*p); }
__device__ inline float load(const f16* p) { return widen(*p); }
__device__ inline void store(float* p, float value) { *p = value; }
__device__ inline void store(bf16* p, float value) { *p = narrow_bf16(value); }
__device__ inline void store(f16* p, float value) { *p = narrow_f16(value); }

// kCount elements that are moved as one; kCount * sizeof(T) is 4, 8 or 16, and the address a multiple of it.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T values[kCount];

  __device__ float operator[](int i) const { return load(values + i); }
  __device__ void set(int i, float value) { store(values + i, value); }
};
template <class T, int kCount>
__device__ inline Pack<T, kCount> load_pack(const T* p) {
  return *reinterpret_cast<const Pack<T, kCount>*>(p);
}

// Rounds values to a pack, two at a time where there is an instruction for that.
template <class T, int kCount>
__device__ inline Pack<T, kCount> to_pack(const float (&values)[kCount]) {
  if constexpr (sizeof(T) == 2 && kCount % 2 == 0) {
    struct Pairs {
      unsigned of[kCount / 2];
    } pairs;
#pragma unroll
    for (int i = 0; i < kCount / 2; ++i) pairs.of[i] = pack_pair<T>(values[2 * i], values[2 * i + 1]);
    return std::bit_cast<Pack<T, kCount>>(pairs);
  } else {
    Pack<T, kCount> pack;
#pragma unroll
    for (int i = 0; i < kCount; ++i) pack.set(i, values[i]);
    return pack;
  }
}

template <class T, int kCount>
__device__ inline void store_pack(T* p, const Pack<T, kCount>& pack) {
  if constexpr (sizeof(pack) == 16) {
    store_words(p, std::bit_cast<uint4>(pack));
  } else if constexpr (sizeof(pack) == 8) {
    store_words(p, std::bit_cast<uint2>(pack));
  } else if constexpr (sizeof(pack) == 4 && sizeof(T) == 2) {
    const unsigned word = std::bit_cast<unsigned>(pack);
    memcpy(__builtin_assume_aligned(p, sizeof(word)), &word, sizeof(word));
  } else {
    *reinterpret_cast<Pack<T, kCount>*>(p) = pack;
  }
}

// Whether rows that start at p and lie `stride` elements apart can be moved `bytes` at a time.
inline bool aligned(ConstElements p, int64_t stride, size_t bytes) {
  return reinterpret_cast<uintptr_t>(p.data) % bytes == 0 && size_t(stride) * size_of(p.dtype) % bytes == 0;
}

// Calls body(T()) with the type that `dtype` is. Only for float dtypes.
template <class Body>
Status with_dtype(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::bf16: return body(bf16());
    case DType::f16: return body(f16());
    default: return body(float());
  }
}

// That the activations of an operator, those that are given, share one float dtype.
inline Support supports_one_dtype(std::initializer_list<ConstElements> activations) {
  const DType first = activations.begin()->dtype;
  for (const ConstElements& e : activations) {
    if (e && (e.dtype != first || e.dtype == DType::i32)) {
      return {false, std::string("Expected activations of one dtype, f32, bf16 or f16, but received ") +
                         name_of(first) + " and " + name_of(e.dtype) + "; convert them with Tensor.to()."};
    }
  }
  return {};
}

}  // namespace skipscan::cuda
