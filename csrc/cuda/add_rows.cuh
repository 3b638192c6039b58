// Rows plus the rows of a table that ids name. Grid: (rows, pieces of a row), a pack of elements for each thread.
// Floor in bytes: x, once read, and out; the table comes from the L2 cache.
#pragma once
#include "cuda/rows.cuh"
#include "ops/add_rows.h"

namespace skipscan::cuda {

constexpr int kAddThreads = 256;

template <class T, int kPack>
__global__ void __launch_bounds__(kAddThreads) add_rows_kernel(AddRowsParams p) {
  const int64_t row = blockIdx.x, c = (int64_t(blockIdx.y) * blockDim.x + threadIdx.x) * kPack;
  if (c >= p.dim) return;
  const Pack<T, kPack> x = load_pack<T, kPack>(static_cast<const T*>(p.x.data) + row * p.x_stride + c);
  float sum[kPack];
  load_floats<kPack>(p.table + p.ids[row] * p.dim + c, sum);
#pragma unroll
  for (int i = 0; i < kPack; ++i) sum[i] += x[i];
  store_pack<T, kPack>(static_cast<T*>(p.out.data) + row * p.dim + c, to_pack<T>(sum));
}

template <class T, int kPack>
Status launch_add_rows(const AddRowsParams& p, Stream& stream) {
  const dim3 threads = threads_for_row(p.dim, kPack, kAddThreads);
  const dim3 grid(unsigned(p.rows), unsigned(div_up(p.dim, int64_t(threads.x) * kPack)));
  return launch(stream, add_rows_kernel<T, kPack>, grid, threads, 0, p);
}

template <class T>
Status launch_add_rows(const AddRowsParams& p, Stream& stream) {
  constexpr int kPack = 16 / sizeof(T);
  const bool packed =
      p.dim % kPack == 0 && aligned(p.x, p.x_stride, 16) && aligned(p.out, p.dim, 16) && aligned(p.table, p.dim, 16);
  return packed ? launch_add_rows<T, kPack>(p, stream) : launch_add_rows<T, 1>(p, stream);
}

}  // namespace skipscan::cuda
