// What the matrix products of linear.cc and ssd_scan.cc share: the register tile, and moving rows into columns.
#pragma once
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

// Rows of a tile: as many as leave registers for two vectors of b and one broadcast element of a.
constexpr int kTileRows = kWidth == 16 ? 14 : kWidth == 8 ? 6 : 4;

// Calls body with an object whose `count` is `rows`, 1 .. M, as a constant for the compiler.
template <int M>
struct Rows {
  static constexpr int count = M;
};
template <int M = kTileRows, class Body>
[[gnu::always_inline]] inline void with_rows(int64_t rows, const Body& body) {
  if constexpr (M > 1) {
    if (rows < M) return with_rows<M - 1>(rows, body);
  }
  body(Rows<M>());
}

template <int M, int V>
[[gnu::always_inline]] inline void clear(Vec (&acc)[M][V]) {
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < V; ++j) acc[i][j] = set1(0.f);
  }
}

struct FetchNothing {
  void operator()(const void*) const {}
};

// acc[i][.] += a[i][k] * b[k][.] for k = 0, 1, .. count - 1: one order of summation, whatever M and P are. Rows of a
// are a_stride apart, rows of b b_stride; b has P blocks of kPanel columns, block_stride apart. fetch(at) is called for every line
// of b that is read, to fetch another.
template <int M, int P, class B, class Fetch = FetchNothing>
[[gnu::always_inline]] inline void multiply_add(Vec (&acc)[M][2 * P], const float* a, int64_t a_stride, const B* b,
                                                int64_t b_stride, int64_t block_stride, int64_t count,
                                                const Fetch& fetch = {}) {
  for (int64_t k = 0; k < count; ++k, b += b_stride) {
    Vec bk[2 * P];
#pragma GCC unroll 8
    for (int j = 0; j < 2 * P; ++j) {
      const B* at = b + j / 2 * block_stride + j % 2 * kWidth;
      if (j * kWidth * int(sizeof(B)) % 64 == 0) fetch(at);
      bk[j] = load(at);
    }
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Vec ai = set1(a[i * a_stride + k]);
#pragma GCC unroll 8
      for (int j = 0; j < 2 * P; ++j) acc[i][j] = fma(ai, bk[j], acc[i][j]);
    }
  }
}

// memcpy of a few cache lines, without the start-up of the string instructions that the compiler makes of it.
inline void copy(const float* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; i += kWidth) store_some(to + i, load_some(from + i, count - i), count - i);
}

// The first n elements of a vector, widened; the other lanes are 0.
inline Vec load_widened(const float* p, int64_t n) { return load_some(p, n); }
template <class T>
inline Vec load_widened(const T* p, int64_t n) {
  if (n >= kWidth) return load(p);
  T padded[kWidth] = {};
  memcpy(padded, p, size_t(n) * sizeof(T));
  return load(padded);
}

// dst[c][r] = src[r][c], widened to float32.
template <class T>
void transpose(const T* src, int64_t src_stride, int64_t rows, int64_t cols, float* dst, int64_t dst_stride) {
  for (int64_t r = 0; r < rows; r += kWidth) {
    for (int64_t c = 0; c < cols; c += kWidth) {
      Vec square[kWidth];
#pragma GCC unroll 16
      for (int i = 0; i < kWidth; ++i)
        square[i] = r + i < rows ? load_widened(src + (r + i) * src_stride + c, cols - c) : set1(0.f);
      transpose(square);
      for (int i = 0; i < kWidth && c + i < cols; ++i) store_some(dst + (c + i) * dst_stride + r, square[i], rows - r);
    }
  }
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
