// What the forms of y = x weight^T + bias share. linear.cu chooses one.
#pragma once
#include "cuda/elements.cuh"
#include "ops/linear.h"

namespace skipscan::cuda {

// ---- the forms; each queues the whole product

// Few rows, any dtypes and alignment: every weight is read once for four rows.
Status linear_gemv(const LinearParams& p, Stream& stream);
// 16 rows at most, on tensor cores: every weight is read once. For what takes_tensor_cores().
Status linear_gemv_tensor(const LinearParams& p, Stream& stream);
// Tiles on tensor cores. For what takes_tensor_cores().
Status linear_tensor(const LinearParams& p, Stream& stream);
// Tiles in float32 arithmetic, any dtypes and alignment.
Status linear_fma(const LinearParams& p, Stream& stream);

constexpr int64_t kGemvTensorRows = 16;

// Whether rows of x and of the weight can be read 16 bytes at a time.
inline bool reads_packs(const LinearParams& p) {
  return aligned(p.x, p.x_stride, 16) && aligned({p.weight.data, p.weight.dtype}, p.weight.cols, 16);
}

// x and the weight of one 16-bit dtype that the chip multiplies, in rows of whole 16 bytes.
inline bool takes_tensor_cores(const LinearParams& p, const DeviceLimits& limits) {
  const int needed = p.x.dtype == DType::bf16 ? 80 : 75;
  return p.x.dtype != DType::f32 && p.weight.dtype == p.x.dtype && limits.capability >= needed && reads_packs(p);
}

// Calls body(X(), W()) with the types of x and of the weight; those that linear's supports() allows.
template <class Body>
Status with_dtypes(const LinearParams& p, const Body& body) {
  return with_dtype(p.x.dtype, [&]<class X>(X) -> Status {
    if (p.weight.dtype == DType::f32) return body(X(), float());
    if constexpr (std::is_same_v<X, float>) {
      if (p.weight.dtype == DType::f16) return body(X(), f16());
      return body(X(), bf16());
    } else {
      return body(X(), X());
    }
  });
}

// ---- elements

// kCount neighbours as float32, from an address that is a multiple of 16 bytes, or of them all where they are fewer bytes.
template <int kCount, class T>
__device__ inline void load_floats(float (&values)[kCount], const T* p) {
  constexpr int kPack = kCount * sizeof(T) < 16 ? kCount : int(16 / sizeof(T));
#pragma unroll
  for (int i = 0; i < kCount; i += kPack) {
    const Pack<T, kPack> pack = load_pack<T, kPack>(p + i);
#pragma unroll
    for (int j = 0; j < kPack; ++j) values[i + j] = pack[j];
  }
}

// Stores the first `count` of kCount neighbours, 16 bytes at a time where they are all there and `packs` says that it can.
template <int kCount, class T>
__device__ inline void store_floats(T* p, const float (&values)[kCount], int64_t count, bool packs) {
  constexpr int kPack = kCount * sizeof(T) < 16 ? kCount : int(16 / sizeof(T));
  if (packs && count >= kCount) {
#pragma unroll
    for (int i = 0; i < kCount; i += kPack) {
      float some[kPack];
#pragma unroll
      for (int j = 0; j < kPack; ++j) some[j] = values[i + j];
      store_pack(p + i, to_pack<T>(some));
    }
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (i < count) store(p + i, values[i]);
    }
  }
}

// Outputs output .. output + kCount of one row, from their sums without bias; y is of dtype X or float32.
template <class X, int kCount>
__device__ inline void store_outputs(const LinearParams& p, int64_t row, int64_t output, float (&sums)[kCount],
                                     bool packs) {
  const int64_t count = p.weight.rows - output;
  if (p.bias) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) sums[i] += i < count ? p.bias[output + i] : 0;
  }
  const int64_t at = row * p.y_stride + output;
  if (p.y.dtype == DType::f32) {
    store_floats(static_cast<float*>(p.y.data) + at, sums, count, packs);
  } else {
    store_floats(static_cast<X*>(p.y.data) + at, sums, count, packs);
  }
}

// ---- tiles of y, and slices of the inputs where there are too few tiles

struct TileIndex {
  int64_t row, output;
};
// The tile of a block: blocks that run at the same time make a part of y that is about square, which reads the fewest bytes
// past the L2 cache.
__device__ inline TileIndex tile_of(int64_t block, int64_t row_tiles, int64_t output_tiles) {
  constexpr int64_t kBand = 16;  // rows of tiles
  const int64_t band = block / (kBand * output_tiles), within = block - band * kBand * output_tiles;
  const int64_t height = row_tiles - band * kBand < kBand ? row_tiles - band * kBand : kBand;
  return {band * kBand + within % height, within / height};
}

// Slice i is inputs i * depth .. (i + 1) * depth.
struct Slices {
  int64_t count, depth;
};
// As many as bring the blocks to `blocks`, but none of fewer than 256 inputs; depths are multiples of 32.
Slices slice_inputs(int64_t inputs, int64_t tiles, int64_t blocks);
// y = bias + the sum of `slices` products of (rows, outputs) each.
Status sum_slices(const LinearParams& p, const float* products, int64_t slices, Stream& stream);

// Queues a form with one product for each slice: queue(params) has its blocks y write (rows, outputs) at y + blockIdx.y * rows *
// y_stride.
template <class Queue>
Status run_sliced(const LinearParams& p, const Slices& slices, Stream& stream, const Queue& queue) {
  if (slices.count == 1) return queue(p);
  void* products;
  SKIPSCAN_TRY(stream.scratch(size_t(slices.count * p.rows * p.weight.rows) * sizeof(float), &products));
  LinearParams partial = p;
  partial.bias = nullptr;
  partial.y = Elements(products, DType::f32);
  partial.y_stride = p.weight.rows;
  SKIPSCAN_TRY(queue(partial));
  return sum_slices(p, static_cast<const float*>(products), slices.count, stream);
}

}  // namespace skipscan::cuda
