// Embedding: a gather of rows from a weight matrix in whatever panels the output head likes.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

template <class T>
const T* element(const WeightMatrix& table, int64_t r, int64_t c) {
  return reinterpret_cast<const T*>(static_cast<const std::byte*>(table.data) + table.at(r, c));
}

template <class T>
void gather(const WeightMatrix& table, int64_t r, float* out) {
  int64_t c = 0;
  if (table.panel == 1) {
    const T* row = element<T>(table, r, 0);
    for (; c + kWidth <= table.cols; c += kWidth) store(out + c, load(row + c));
  }
  for (; c < table.cols; ++c) out[c] = to_float(*element<T>(table, r, c));
}

void gather_i8(const WeightMatrix& table, int64_t r, float* out) {
  for (int64_t c = 0; c < table.cols; ++c) {
    float scale;
    memcpy(&scale, static_cast<const std::byte*>(table.data) + table.scale_at(r, c), sizeof scale);
    out[c] = scale * float(*element<int8_t>(table, r, c));
  }
}

Status run(const EmbeddingParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const WeightMatrix& table = p.table;
  parallel_rows(ctx.pool, p.rows, table.cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* out = p.out.f32() + i * table.cols;
      switch (table.dtype) {
        case DType::bf16: gather<bf16>(table, p.ids[i], out); break;
        case DType::f16: gather<f16>(table, p.ids[i], out); break;
        case DType::i8: gather_i8(table, p.ids[i], out); break;
        default: gather<float>(table, p.ids[i], out);
      }
    }
  });
  return {};
}

}  // namespace

const Op<EmbeddingParams> embedding = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
