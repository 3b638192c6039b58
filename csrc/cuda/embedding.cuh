// Embedding: a gather of rows. Grid (tokens, pieces of a row), a pack of elements for each thread.
// Floor: every row of the table that is named is read once, every row of the output written once.
#pragma once
#include "cuda/elements.cuh"
#include "ops/embedding.h"

namespace skipscan::cuda {

constexpr int kEmbeddingThreads = 256;

// A row of an id that the table does not have is not a number: there is nothing to read and nobody to tell.
template <class Table, class Out, int kPack>
__global__ void __launch_bounds__(kEmbeddingThreads)
    embedding_kernel(const int32_t* ids, const Table* table, Out* out, int64_t vocabulary, int64_t dim) {
  const int64_t row = blockIdx.x, c = (int64_t(blockIdx.y) * kEmbeddingThreads + threadIdx.x) * kPack;
  if (c >= dim) return;
  const int id = ids[row];
  const bool known = id >= 0 && id < vocabulary;
  Pack<Table, kPack> from;
  if (known) from = load_pack<Table, kPack>(table + id * dim + c);
  float to[kPack];
#pragma unroll
  for (int i = 0; i < kPack; ++i) to[i] = known ? from[i] : NAN;
  store_pack<Out, kPack>(out + row * dim + c, to_pack<Out>(to));
}

template <class Table, class Out, int kPack>
Status launch_embedding(const EmbeddingParams& p, Stream& stream) {
  const int64_t dim = p.table.cols;
  const dim3 grid(unsigned(p.rows), unsigned(div_up(dim, kEmbeddingThreads * kPack)));
  return launch(stream, embedding_kernel<Table, Out, kPack>, grid, dim3(kEmbeddingThreads), 0, p.ids,
                static_cast<const Table*>(p.table.data), p.out.as<Out>(), p.table.rows, dim);
}

template <class Table, class Out>
Status launch_embedding(const EmbeddingParams& p, Stream& stream) {
  constexpr int kPack = 16 / (sizeof(Table) > sizeof(Out) ? sizeof(Table) : sizeof(Out));
  const bool packed = aligned({p.table.data, p.table.dtype}, p.table.cols, kPack * sizeof(Table)) &&
                      aligned(p.out, p.table.cols, kPack * sizeof(Out));
  return packed ? launch_embedding<Table, Out, kPack>(p, stream) : launch_embedding<Table, Out, 1>(p, stream);
}

}  // namespace skipscan::cuda
