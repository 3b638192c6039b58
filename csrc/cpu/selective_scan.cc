// Selective scan. Channels lie in the vector lanes. A task walks some sequences for a span of channels, whose state and
// A stay in its scratch memory as (vectors, d_state, lanes). It advances tile by tile: a few steps for one vector of
// channels, then the same steps for the next vector, so that a row is fetched once for the whole span.
// Every channel goes through the same arithmetic whatever the span, the batch or the number of threads. Importance is summed
// over each vector of channels on the way, and over the vectors at the end.
#include "cpu/importance.h"
#include "cpu/kernels.h"

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
  float* sums;     // (vectors, steps): what the importance of a step adds up to in each vector, or null: not wanted
};

struct Tile {
  int64_t begin, end;  // steps of the path
};

// What importance is of, if it is wanted.
enum class Scored { nothing, dt, y };

// Where the sums of the vector from channel i of a span on are.
float* sums_of(const SelectiveScanParams& p, const Span& span, int64_t i) {
  return span.sums + i / kWidth * p.path.steps;
}

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

// The tile's steps for a span's vector of channels from i on; `first` is the sequence's first step.
template <Alignment alignment, Scored scored>
void prepare(const SelectiveScanParams& p, const Span& span, int64_t i, Tile tile, int64_t first, Step* steps) {
  const int64_t c = span.channel + i, n = span.count - i;
  float* const last_dt = span.last_dt + i;
  const Vec bias = p.dt_bias ? load_some(p.dt_bias + c, n) : set1(0);
  Vec dts[kTileSteps];
  for (int64_t k = tile.begin; k < tile.end; ++k) {
    const float* delta = p.delta.f32() + p.path.param_index[k] * p.delta_stride + c;
    const float* u = p.u.f32() + p.path.index[k] * p.u_stride + c;
    __builtin_prefetch(delta + kLine);
    __builtin_prefetch(u + kLine);
    Vec dt = load_some(delta, n) + bias;
    if (p.softplus) dt = softplus(dt);
    if constexpr (scored == Scored::dt) dts[k - tile.begin] = first_lanes(dt, n);
    Vec decay = dt;
    if constexpr (alignment == Alignment::next) decay = set1(float(p.path.gap[k])) * dt;
    if constexpr (alignment == Alignment::previous) {
      decay = fma(set1(float(p.path.gap[k] - 1)), k == first ? dt : load(last_dt), dt);
      store(last_dt, dt);
    }
    if constexpr (alignment == Alignment::own) decay = dt + load_some(p.skipped_dt + k * p.channels + c, n);
    steps[k - tile.begin] = {decay, dt * load_some(u, n)};
  }
  if constexpr (scored == Scored::dt) store_sums(dts, tile.end - tile.begin, sums_of(p, span, i) + tile.begin);
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

template <Scored scored>
void walk(const SelectiveScanParams& p, const Span& span, int64_t i, Tile tile, const Step* steps) {
  const int64_t c = span.channel + i, n = span.count - i, N = p.d_state;
  const float *B = p.B.f32() + span.group * N, *C = p.C.f32() + span.group * N;
  const Vec D = p.D ? load_some(p.D + c, n) : set1(0);
  const bool summed = p.y_in || p.y_scale != 1;
  Vec terms[kTileSteps];  // of the importance of each step
  for (int64_t k = tile.begin; k < tile.end; ++k, ++steps) {
    const int64_t r = p.path.index[k], q = p.path.param_index[k];
    float* y = p.y.f32() + r * p.y_stride + c;
    __builtin_prefetch(y + kLine, 1);
    Vec out = advance(span.A + i * N, span.h + i * N, *steps, B + q * p.B_stride, C + q * p.C_stride, N);
    if (p.D) out = fma(D, load_some(p.u.f32() + r * p.u_stride + c, n), out);
    if (summed) {
      if (p.y_in) out = out + load_some(p.y_in.f32() + r * p.y_stride + c, n);
      out = out * set1(p.y_scale);
    }
    const Vec ungated = out;
    if (p.z) {
      const float* z = p.z.f32() + r * p.z_stride + c;
      __builtin_prefetch(z + kLine);
      out = out * silu(load_some(z, n));
    }
    store_some(y, out, n);
    if constexpr (scored == Scored::y) {
      const Vec source = first_lanes(p.source == ImportanceSource::gated ? out : ungated, n);
      terms[k - tile.begin] = add_channels(p.metric, set1(0), source);
    }
  }
  if constexpr (scored == Scored::y) store_sums(terms, tile.end - tile.begin, sums_of(p, span, i) + tile.begin);
}

template <Alignment alignment, Scored scored>
void scan(const SelectiveScanParams& p, const Span& span, int64_t begin, int64_t end) {
  Step steps[kTileSteps];
  for (int64_t k = begin; k < end; k += kTileSteps) {
    const Tile tile = {k, min(k + kTileSteps, end)};
    for (int64_t i = 0; i < span.count; i += kWidth) {
      prepare<alignment, scored>(p, span, i, tile, begin, steps);
      walk<scored>(p, span, i, tile, steps);
    }
  }
}

template <Scored scored>
void scan_aligned(const SelectiveScanParams& p, const Span& span, int64_t begin, int64_t end) {
  switch (p.alignment) {
    case Alignment::none: return scan<Alignment::none, scored>(p, span, begin, end);
    case Alignment::next: return scan<Alignment::next, scored>(p, span, begin, end);
    case Alignment::previous: return scan<Alignment::previous, scored>(p, span, begin, end);
    case Alignment::own: return scan<Alignment::own, scored>(p, span, begin, end);
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
  if (!p.importance)
    scan_aligned<Scored::nothing>(p, span, begin, end);
  else if (p.metric == ImportanceMetric::delta)
    scan_aligned<Scored::dt>(p, span, begin, end);
  else
    scan_aligned<Scored::y>(p, span, begin, end);
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

  const int64_t vectors = ceil_div(per_group, kWidth);  // of a group
  ctx.pool.reserve_scratch(size_t((2 * N + 1) * width) * sizeof(float));
  if (p.importance) ctx.pool.reserve_shared(size_t(vectors * p.groups * p.path.steps) * sizeof(float));
  ctx.pool.parallel_for(spans * p.groups * parts, [&](int64_t task, int worker) {
    const int64_t part = task % parts, group = task / parts / spans, offset = task / parts % spans * width;
    Span span;
    span.group = group;
    span.channel = group * per_group + offset;
    span.count = min(width, per_group - offset);
    span.A = ctx.pool.scratch<float>(worker);
    span.h = span.A + N * width;
    span.last_dt = span.h + N * width;
    span.sums = p.importance ? ctx.pool.shared<float>() + (group * vectors + offset / kWidth) * p.path.steps : nullptr;
    for (int64_t i = 0; i < span.count; i += kWidth)
      to_lanes(p.A + (span.channel + i) * N, span.count - i, N, kLog2e, span.A + i * N);
    for (int64_t s = sequences * part / parts; s < sequences * (part + 1) / parts; ++s) scan_sequence(p, span, s);
  });
  if (p.importance) finish_scan_scores(p, vectors * p.groups, p.channels, ctx.pool);
  return {};
}

}  // namespace

const Op<SelectiveScanParams> selective_scan = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
