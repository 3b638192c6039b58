// The inner loop of every matrix product: a tile of M rows x P pairs of vectors, held in registers.
#pragma once
#include "cpu/kernels.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// Rows of a tile: as many as leave the registers room for two vectors of b and one broadcast element of a.
constexpr int kTileRows = kWidth == 16 ? 14 : kWidth == 8 ? 6 : 4;

// acc[i][.] += sum over k < count, in this order, of a[i][k] * b[k][.]
// Rows of a are a_stride apart, rows of b b_stride, and the P blocks of kPanel columns of b panel_stride.
template <int M, int P, class B>
[[gnu::always_inline]] inline void multiply(Vec (&acc)[M][2 * P], const float* a, int64_t a_stride, const B* b,
                                            int64_t b_stride, int64_t panel_stride, int64_t count) {
  for (int64_t k = 0; k < count; ++k, b += b_stride) {
    Vec bk[2 * P];
#pragma GCC unroll 8
    for (int j = 0; j < 2 * P; ++j) bk[j] = load(b + j / 2 * panel_stride + j % 2 * kWidth);
    if constexpr (M * P <= PFM) {
#pragma GCC unroll 8
      for (int j = 0; j < P; ++j) __builtin_prefetch(b + j * panel_stride + PFD / int(sizeof(B)));
    }
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Vec ai = set1(a[i * a_stride + k]);
#pragma GCC unroll 8
      for (int j = 0; j < 2 * P; ++j) acc[i][j] = fma(ai, bk[j], acc[i][j]);
    }
  }
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
