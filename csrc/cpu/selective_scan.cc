// Selective scan. Channels lie in the vector lanes. A task walks some sequences for a span of channels, whose state and
// A stay in its scratch memory as (vectors, d_state, lanes). It advances tile by tile: a few steps for one vector of
// channels, then the same steps for the next vector, so that a row is fetched once for the whole span.
// Every channel goes through the same arithmetic whatever the span, the batch or the number of threads.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kSpanChannels = 512;
constexpr int64_t kTileSteps = 8;  // few, as each has its own page of four tensors, often in the same set of the cache
constexpr int64_t kLine = 16;      // floats of a cache line: how far ahead in a row to prefetch

struct Span {
  int64_t channel, count;  // the first channel and how many; all of one group
  int64_t group;
  float *A, *h;    // (vectors, d_state, lanes): A * log2(e) and the state
  float* last_dt;  // (vectors, lanes): dt of the step before
};

struct Tile {
  int64_t begin, end;  // steps of the path
};

// What a step brings to one vector of channels: the time of its decay, and dt * u.
struct Step {
  Vec decay, input;
};

// Rows of (channels, d_state) to (d_state, lanes), times `scale`. Lanes beyond `channels` repeat the last channel.
void to_lanes(const float* rows, int64_t channels, int64_t d_state, float scale, float* lanes) {
  const int64_t last = min(channels, kWidth) - 1;
  for (int64_t n = 0; n < d_state; n += kWidth) {
    Vec square[kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) square[i] = load_some(rows + min(i, last) * d_state + n, d_state - n);
    transpose(square);
    for (int i = 0; i < kWidth && n + i < d_state; ++i) store(lanes + (n + i) * kWidth, square[i] * set1(scale));
  }
}

// The way back, for the channels that exist.
void from_lanes(const float* lanes, int64_t channels, int64_t d_state, float* rows) {
  for (int64_t n = 0; n < d_state; n += kWidth) {
    const int64_t last = min(d_state - n, kWidth) - 1;
    Vec square[kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) square[i] = load(lanes + (n + min(i, last)) * kWidth);
    transpose(square);
    for (int i = 0; i < kWidth && i < channels; ++i) store_some(rows + i * d_state + n, square[i], d_state - n);
  }
}

// The tile's steps for one vector of channels, of which n exist; `first` is the sequence's first step.
template <Alignment alignment>
void prepare(const SelectiveScanParams& p, int64_t c, int64_t n, Tile tile, int64_t first, float* last_dt,
             Step* steps) {
  const Vec bias = p.dt_bias ? load_some(p.dt_bias + c, n) : set1(0);
  for (int64_t k = tile.begin; k < tile.end; ++k) {
    const float* delta = p.delta + p.path.param_index[k] * p.delta_stride + c;
    const float* u = p.u + p.path.index[k] * p.u_stride + c;
    __builtin_prefetch(delta + kLine);
    __builtin_prefetch(u + kLine);
    Vec dt = load_some(delta, n) + bias;
    if (p.softplus) dt = softplus(dt);
    Vec decay = dt;
    if constexpr (alignment == Alignment::next) decay = set1(float(p.path.gap[k])) * dt;
    if constexpr (alignment == Alignment::previous) {
      decay = fma(set1(float(p.path.gap[k] - 1)), k == first ? dt : load(last_dt), dt);
      store(last_dt, dt);
    }
    if constexpr (alignment == Alignment::own) decay = dt + load_some(p.skipped_dt + k * p.channels + c, n);
    steps[k - tile.begin] = {decay, dt * load_some(u, n)};
  }
}

// Moves the state of one vector of channels on by one step and returns C . h.
inline Vec advance(const float* A, float* h, Step step, const float* B, const float* C, int64_t d_state) {
  Vec y = set1(0);
#pragma GCC unroll 4
  for (int64_t n = 0; n < d_state; ++n) {
    const Vec state = fma(exp2(step.decay * load(A + n * kWidth)), load(h + n * kWidth), step.input * set1(B[n]));
    store(h + n * kWidth, state);
    y = fma(state, set1(C[n]), y);
  }
  return y;
}

void walk(const SelectiveScanParams& p, const Span& span, int64_t i, Tile tile, const Step* steps) {
  const int64_t c = span.channel + i, n = span.count - i, N = p.d_state;
  const float *B = p.B + span.group * N, *C = p.C + span.group * N;
  const Vec D = p.D ? load_some(p.D + c, n) : set1(0);
  for (int64_t k = tile.begin; k < tile.end; ++k, ++steps) {
    const int64_t r = p.path.index[k], q = p.path.param_index[k];
    float* y = p.y + r * p.y_stride + c;
    __builtin_prefetch(y + kLine, 1);
    Vec out = advance(span.A + i * N, span.h + i * N, *steps, B + q * p.B_stride, C + q * p.C_stride, N);
    if (p.D) out = fma(D, load_some(p.u + r * p.u_stride + c, n), out);
    if (p.z) {
      const float* z = p.z + r * p.z_stride + c;
      __builtin_prefetch(z + kLine);
      out = out * silu(load_some(z, n));
    }
    store_some(y, out, n);
  }
}

template <Alignment alignment>
void scan(const SelectiveScanParams& p, const Span& span, int64_t begin, int64_t end) {
  Step steps[kTileSteps];
  for (int64_t k = begin; k < end; k += kTileSteps) {
    const Tile tile = {k, min(k + kTileSteps, end)};
    for (int64_t i = 0; i < span.count; i += kWidth) {
      prepare<alignment>(p, span.channel + i, span.count - i, tile, begin, span.last_dt + i, steps);
      walk(p, span, i, tile, steps);
    }
  }
}

void scan_sequence(const SelectiveScanParams& p, const Span& span, int64_t s) {
  const int64_t N = p.d_state, state_at = (s * p.channels + span.channel) * N;
  for (int64_t i = 0; i < span.count; i += kWidth) {
    if (p.state_in)
      to_lanes(p.state_in + state_at + i * N, span.count - i, N, 1, span.h + i * N);
    else
      memset(span.h + i * N, 0, size_t(N) * kWidth * sizeof(float));
  }
  const int64_t begin = p.path.begin(s), end = p.path.end(s);
  switch (p.alignment) {
    case Alignment::none: scan<Alignment::none>(p, span, begin, end); break;
    case Alignment::next: scan<Alignment::next>(p, span, begin, end); break;
    case Alignment::previous: scan<Alignment::previous>(p, span, begin, end); break;
    case Alignment::own: scan<Alignment::own>(p, span, begin, end); break;
  }
  if (!p.state_out) return;
  for (int64_t i = 0; i < span.count; i += kWidth)
    from_lanes(span.h + i * N, span.count - i, N, p.state_out + state_at + i * N);
}

Status run(const SelectiveScanParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t N = p.d_state, per_group = p.channels / p.groups, sequences = p.path.sequences;
  // Two tasks a thread, so that one which is held up does not hold up all: by narrower spans, then by sharing out the
  // sequences. A is prepared once for all the sequences of a task.
  const int64_t enough = 2 * ctx.pool.threads();
  const int64_t wanted = max(ceil_div(per_group, kSpanChannels), ceil_div(enough, p.groups * sequences));
  const int64_t width = ceil_div(ceil_div(per_group, wanted), kWidth) * kWidth;
  const int64_t spans = ceil_div(per_group, width);  // of a group
  const int64_t parts = min(sequences, ceil_div(enough, p.groups * spans));

  ctx.pool.reserve_scratch(size_t((2 * N + 1) * width) * sizeof(float));
  ctx.pool.parallel_for(spans * p.groups * parts, [&](int64_t task, int worker) {
    const int64_t part = task % parts, group = task / parts / spans, offset = task / parts % spans * width;
    Span span;
    span.group = group;
    span.channel = group * per_group + offset;
    span.count = min(width, per_group - offset);
    span.A = ctx.pool.scratch<float>(worker);
    span.h = span.A + N * width;
    span.last_dt = span.h + N * width;
    for (int64_t i = 0; i < span.count; i += kWidth)
      to_lanes(p.A + (span.channel + i) * N, span.count - i, N, kLog2e, span.A + i * N);
    for (int64_t s = sequences * part / parts; s < sequences * (part + 1) / parts; ++s) scan_sequence(p, span, s);
  });
  return {};
}

}  // namespace

const Op<SelectiveScanParams> selective_scan = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
