// Causal convolution: for every step, the rows that its taps meet are looked up once, then the channels are walked in
// vectors. Steps are independent of each other, so tasks are runs of steps, whatever sequences they belong to.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// The input rows at distances 0 .. width - 1 before step k of sequence s (null where there is zero): steps of the path,
// then the state. With k = begin - 1 the sequence has no step yet, and distance 0 is the state's last row.
struct Taps {
  const float* rows[kMaxConvWidth];

  Taps(const CausalConvParams& p, int64_t s, int64_t k) {
    const int64_t begin = p.path.begin(s);
    for (int j = 0; j < p.width; ++j) rows[j] = nullptr;
    int64_t distance = 0;
    for (; k >= begin && distance < p.width; --k) {
      rows[distance] = p.x.f32() + p.path.index[k] * p.x_stride;
      distance += p.mode == ConvMode::aligned ? p.path.gap[k] : 1;
    }
    if (!p.state_in) return;
    const float* row = p.state_in + ((s + 1) * p.width - 1) * p.channels;
    for (; distance < p.width; ++distance, row -= p.channels) rows[distance] = row;
  }
};

// The taps of one step that meet something: pairs of an input row and its row of weights. kTaps = 0: `count` of them.
template <int kTaps>
void convolve(const CausalConvParams& p, const float* const* inputs, const float* const* weights, int count, float* y) {
  const int taps = kTaps ? kTaps : count;
  for (int64_t c = 0; c < p.channels; c += kWidth) {
    const int64_t n = p.channels - c;
    Vec total = p.bias ? load_some(p.bias + c, n) : set1(0);
    for (int i = 0; i < taps; ++i) total = fma(load_some(inputs[i] + c, n), load_some(weights[i] + c, n), total);
    store_some(y + c, p.silu ? silu(total) : total, n);
  }
}

void convolve_step(const CausalConvParams& p, int64_t s, int64_t k) {
  const Taps taps(p, s, k);
  const float *inputs[kMaxConvWidth], *weights[kMaxConvWidth];
  int count = 0;
  for (int j = p.width - 1; j >= 0; --j) {
    if (!taps.rows[j]) continue;
    inputs[count] = taps.rows[j];
    weights[count++] = p.weight + (p.width - 1 - j) * p.channels;
  }
  float* y = p.y.f32() + p.path.index[k] * p.y_stride;
  if (count == 4)  // the published width
    convolve<4>(p, inputs, weights, count, y);
  else
    convolve<0>(p, inputs, weights, count, y);
}

// state_out may be state_in: rows only move towards the front, so oldest first nothing is lost.
void write_state(const CausalConvParams& p, int64_t s) {
  const Taps taps(p, s, p.path.end(s) - 1);
  float* out = p.state_out + s * p.width * p.channels;
  for (int j = p.width - 1; j >= 0; --j, out += p.channels) {
    const size_t bytes = size_t(p.channels) * sizeof(float);
    if (taps.rows[j])
      memmove(out, taps.rows[j], bytes);
    else
      memset(out, 0, bytes);
  }
}

Status run(const CausalConvParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  parallel_rows(ctx.pool, p.path.steps, p.channels, [&](int64_t begin, int64_t end) {
    int64_t s = 0;
    for (int64_t k = begin; k < end; ++k) {
      while (k >= p.path.end(s)) ++s;
      convolve_step(p, s, k);
    }
  });
  if (p.state_out) ctx.pool.parallel_for(p.path.sequences, [&](int64_t s, int) { write_state(p, s); });
  return {};
}

}  // namespace

const Op<CausalConvParams> causal_conv = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
