// Means of packed rows. A task is a few vectors of channels of one sequence, whose sums stay in registers down all of its rows:
// so how the work is shared out changes no order.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int kVectors = 4;  // of channels, whose sums stay in registers
constexpr int64_t kSpan = kVectors * kWidth;

// The means of one sequence, for `vectors` vectors of channels from c on.
template <int vectors>
void mean_channels(const MeanRowsParams& p, int64_t s, int64_t c) {
  const int64_t begin = p.offsets[s], end = p.offsets[s + 1], n = p.dim - c;
  Vec sums[2][vectors];  // of every second row, so that an addition need not wait for the one before
  for (int i = 0; i < vectors; ++i) sums[0][i] = sums[1][i] = set1(0);
  const auto add = [&](int64_t row, Vec(&to)[vectors]) {
    const float* x = p.x.f32() + row * p.dim + c;
#pragma GCC unroll 4
    for (int i = 0; i < vectors; ++i) to[i] = to[i] + load_some(x + i * kWidth, n - i * kWidth);
  };
  int64_t row = begin;
  for (; row + 2 <= end; row += 2) {
    add(row, sums[0]);
    add(row + 1, sums[1]);
  }
  if (row < end) add(row, sums[0]);
  const Vec count = set1(float(max(end - begin, 1)));
  float* out = p.out.f32() + s * p.dim + c;
  for (int i = 0; i < vectors; ++i) store_some(out + i * kWidth, (sums[0][i] + sums[1][i]) / count, n - i * kWidth);
}

Status run(const MeanRowsParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t spans = ceil_div(p.dim, kSpan);
  parallel_rows(ctx.pool, p.sequences * spans, kSpan * max(p.longest, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t s = i / spans, first = i % spans * kSpan;
      if (first + kSpan <= p.dim)
        mean_channels<kVectors>(p, s, first);
      else
        for (int64_t c = first; c < p.dim; c += kWidth) mean_channels<1>(p, s, c);
    }
  });
  return {};
}

}  // namespace

const Op<MeanRowsParams> mean_rows = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
