// What the files of the matrix product share (linear.cc, linear_i8.cc, linear_amx.cc).
#pragma once
#include "cpu/gemm.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// Where sums go: stored, or added to what the blocks of inputs before them have left there.
struct Output {
  float* y;
  int64_t y_stride, columns;  // columns that are left from here on
  const float* bias;          // null unless these sums are the last
  bool add;
};

// Stores or adds rows x width sums.
inline void put(const float* sums, int64_t rows, int64_t width, const Output& out) {
  const int64_t columns = min(width, out.columns);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; j += kWidth) {
      float* y = out.y + i * out.y_stride + j;
      Vec sum = load(sums + i * width + j);
      if (out.add) sum = load_some(y, columns - j) + sum;
      if (out.bias) sum = sum + load_some(out.bias + j, columns - j);
      store_some(y, sum, columns - j);
    }
  }
}

// Panels of a task, where so many blocks of rows meet all panels: eight tasks or more for each thread, so that one which is held
// up does not hold up all, as far as that leaves a task some panels.
inline int64_t panels_per_task(int64_t panels, int64_t blocks, int threads) {
  const int64_t share = ceil_div(blocks * panels, threads);
  return share < 4 ? share : ceil_div(share, 32) * 4;
}

// One or two rows and bf16 weights, in the order in which AMX adds up.
void multiply_bf16_rows(const LinearParams& p, ExecContext& ctx);

// 8-bit weights.
Status multiply_i8(const LinearParams& p, ExecContext& ctx);

}  // namespace skipscan::cpu::SKIPSCAN_ISA
