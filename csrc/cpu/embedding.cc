// Embedding: a gather of rows from a weight matrix in whatever panels the output head likes.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// The elements of a row lie `step` apart.
template <class T>
void gather(const T* row, int64_t step, int64_t cols, float* out) {
  int64_t c = 0;
  if (step == 1)
    for (; c + kWidth <= cols; c += kWidth) store(out + c, load(row + c));
  for (; c < cols; ++c) out[c] = to_float(row[c * step]);
}

Status run(const EmbeddingParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const WeightMatrix& table = p.table;
  parallel_rows(ctx.pool, p.rows, table.cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = table.at(p.ids[i], 0);
      float* out = p.out.f32() + i * table.cols;
      switch (table.dtype) {
        case DType::bf16: gather(static_cast<const bf16*>(table.data) + first, table.panel, table.cols, out); break;
        case DType::f16: gather(static_cast<const f16*>(table.data) + first, table.panel, table.cols, out); break;
        default: gather(static_cast<const float*>(table.data) + first, table.panel, table.cols, out);
      }
    }
  });
  return {};
}

}  // namespace

const Op<EmbeddingParams> embedding = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
