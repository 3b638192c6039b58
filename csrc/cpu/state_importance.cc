// Shares in the final state, from the last step of a sequence to its first, with the time that has passed since in the lanes
// of vectors. A Mamba-1 step decays each state of a channel by its own factor, so that the shares of a vector of channels are
// computed in place; those of a Mamba-2 head are a product of norms, which are computed first.
#include "cpu/decay.h"
#include "cpu/gemm.h"
#include "cpu/importance.h"
#include "cpu/sums.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

// A sum of times with what rounding took off it (Kahan): as exact after a hundred thousand steps as after one.
struct Elapsed {
  Vec time = set1(0), excess = set1(0);

  void add(Vec more) {
    const Vec exact = more - excess, sum = time + exact;
    excess = (sum - time) - exact;
    time = sum;
  }
};

// 1 / norm, or 0 for a state that is zero.
float inverse(float norm) { return norm == 0 ? 0 : 1 / norm; }

// ---- Mamba-1: channels in the lanes

constexpr int64_t kSpanVectors = 32;  // of a task, at most
constexpr int64_t kTileSteps = 8;     // for which a vector of channels stays at hand, as in selective_scan.cc
constexpr int64_t kLine = 16;         // floats of a cache line: how far ahead in a row to prefetch

struct Span {
  int64_t channel, count;  // the first channel and how many; all of one group
  int64_t group;
  float* A;     // (vectors, d_state, lanes): A * log2(e)
  float* sums;  // (vectors, steps): what the scores add up to in each vector
};

// What a vector of channels carries from step to step.
struct Channels {
  Vec weights;  // 1 / norm(h)
  Elapsed elapsed;
};

struct Tile {
  int64_t begin, end;  // steps of the path
  int64_t first;       // the sequence's first step
};

// Rows of (channels, d_state) to (d_state, lanes), times `scale`; lanes without a channel are 0.
void to_lanes(const float* rows, int64_t channels, int64_t d_state, float scale, float* lanes) {
  if (channels < kWidth) memset(lanes, 0, size_t(d_state * kWidth) * sizeof(float));
  transpose(rows, d_state, min(channels, kWidth), d_state, lanes, kWidth);
  for (int64_t n = 0; n < d_state; ++n) store(lanes + n * kWidth, load(lanes + n * kWidth) * set1(scale));
}

// 1 / norm of the states of each channel, (d_state, lanes).
Vec inverse_norms(const float* states, int64_t d_state) {
  Vec squares = set1(0);
  for (int64_t n = 0; n < d_state; ++n) squares = fma(load(states + n * kWidth), load(states + n * kWidth), squares);
  float inverses[kWidth];
  store(inverses, sqrt(squares));
  for (float& norm : inverses) norm = inverse(norm);
  return load(inverses);
}

// dt of step k for the channels from c on, of which n exist.
inline Vec step_size(const SelectiveStateImportanceParams& p, int64_t k, int64_t c, int64_t n) {
  const float* delta = p.delta.f32() + p.path.param_index[k] * p.delta_stride + c;
  __builtin_prefetch(delta + kLine);
  Vec dt = load_some(delta, n);
  if (p.dt_bias) dt = dt + load_some(p.dt_bias + c, n);
  return p.softplus ? softplus(dt) : dt;
}

// The norm of B * exp(A * time) over the states. Factors below 2^-60 count as 0, as their squares would leave the normal
// range.
inline Vec decayed_norm(const float* A, Vec time, const float* B, int64_t d_state) {
  Vec squares = set1(0);
#pragma GCC unroll 4
  for (int64_t n = 0; n < d_state; ++n) {
    const Vec factor = max(exp2(time * load(A + n * kWidth)) - set1(0x1p-60f), set1(0)), decayed = factor * set1(B[n]);
    squares = fma(decayed, decayed, squares);
  }
  return sqrt(squares);
}

// The tile's steps, from the last to the first, for the span's vector from channel i on.
void score_tile(const SelectiveStateImportanceParams& p, const Span& span, int64_t i, Tile tile, Channels& channels) {
  const int64_t c = span.channel + i, n = span.count - i, N = p.d_state;
  Vec dts[kTileSteps + 1], terms[kTileSteps];  // dts[0] is that of the step before
  for (int64_t k = tile.begin; k < tile.end; ++k) dts[k - tile.begin + 1] = step_size(p, k, c, n);
  dts[0] = dts[1];
  if (p.alignment == Alignment::previous && tile.begin > tile.first) dts[0] = step_size(p, tile.begin - 1, c, n);

  for (int64_t k = tile.end - 1; k >= tile.begin; --k) {
    const float* u = p.u.f32() + p.path.index[k] * p.u_stride + c;
    const float* B = p.B.f32() + p.path.param_index[k] * p.B_stride + span.group * N;
    __builtin_prefetch(u + kLine);
    const Vec* dt = dts + (k - tile.begin + 1);
    const Vec norm = decayed_norm(span.A + i * N, channels.elapsed.time, B, N);
    terms[k - tile.begin] = first_lanes(dt[0] * abs(load_some(u, n)) * norm * channels.weights, n);

    const Vec skipped = p.skipped_dt ? load_some(p.skipped_dt + k * p.channels + c, n) : set1(0);
    channels.elapsed.add(decay_time(p.alignment, dt[0], dt[-1], p.path.gap[k], skipped));
  }
  store_sums(terms, tile.end - tile.begin, span.sums + i / kWidth * p.path.steps + tile.begin);
}

void score_span(const SelectiveStateImportanceParams& p, const Span& span, int64_t s) {
  const int64_t N = p.d_state, begin = p.path.begin(s);
  Channels channels[kSpanVectors];
  for (int64_t i = 0; i < span.count; i += kWidth) {
    const int64_t c = span.channel + i, n = span.count - i;
    to_lanes(p.state + (s * p.channels + c) * N, n, N, 1, span.A + i * N);
    channels[i / kWidth].weights = inverse_norms(span.A + i * N, N);
    to_lanes(p.A + c * N, n, N, kLog2e, span.A + i * N);
  }
  for (int64_t end = p.path.end(s); end > begin; end -= kTileSteps) {
    const Tile tile = {max(end - kTileSteps, begin), end, begin};
    for (int64_t i = 0; i < span.count; i += kWidth) score_tile(p, span, i, tile, channels[i / kWidth]);
  }
}

Status run_selective(const SelectiveStateImportanceParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t N = p.d_state, steps = p.path.steps, sequences = p.path.sequences;
  const int64_t per_group = p.channels / p.groups, vectors = ceil_div(per_group, kWidth);
  // Two tasks a thread, by narrower spans.
  const int64_t wanted = max(ceil_div(vectors, kSpanVectors), ceil_div(2 * ctx.pool.threads(), p.groups * sequences));
  const int64_t width = ceil_div(vectors, min(wanted, vectors)), spans = ceil_div(vectors, width);  // of a group
  ctx.pool.reserve_scratch(size_t(width * N * kWidth) * sizeof(float));
  ctx.pool.reserve_shared(size_t(vectors * p.groups * steps) * sizeof(float));
  float* const sums = ctx.pool.shared<float>();
  ctx.pool.parallel_for(sequences * p.groups * spans, [&](int64_t task, int worker) {
    const int64_t s = task / spans / p.groups, group = task / spans % p.groups, vector = task % spans * width;
    const Span span = {.channel = group * per_group + vector * kWidth,
                       .count = min(width * kWidth, per_group - vector * kWidth),
                       .group = group,
                       .A = ctx.pool.scratch<float>(worker),
                       .sums = sums + (group * vectors + vector) * steps};
    score_span(p, span, s);
  });
  finish_scores(sums, vectors * p.groups, steps, p.channels, ImportanceMetric::state, p.path.index, nullptr, p.scores,
                ctx.pool);
  return {};
}

// ---- Mamba-2: heads in the lanes

struct HeadTerms {
  float* dt;       // (steps, heads)
  float* input;    // (steps, heads): dt * norm(x) * norm(B)
  float* weights;  // (sequences, heads): 1 / norm(H)
  float* sums;     // (vectors of heads, steps): what the scores add up to in each vector
};

void measure_step(const SsdStateImportanceParams& p, int64_t k, const HeadTerms& terms) {
  const int64_t heads = p.heads, per_group = heads / p.groups, param = p.path.param_index[k];
  const float *x = p.x.f32() + p.path.index[k] * p.x_stride, *B = p.B.f32() + param * p.B_stride;
  float *dts = terms.dt + k * heads, *input = terms.input + k * heads;
  for (int64_t h = 0; h < heads; h += kWidth) {
    Vec dt = load_some(p.dt.f32() + param * p.dt_stride + h, heads - h);
    if (p.dt_bias) dt = dt + load_some(p.dt_bias + h, heads - h);
    if (p.softplus) dt = softplus(dt);
    store_some(dts + h, min(max(dt, set1(p.dt_min)), set1(p.dt_max)), heads - h);
  }
  for (int64_t h = 0, group = 0; group < p.groups; ++group) {
    const float norm_B = norm(B + group * p.d_state, p.d_state);
    for (const int64_t end = h + per_group; h < end; ++h)
      input[h] = dts[h] * norm(x + h * p.head_dim, p.head_dim) * norm_B;
  }
}

// The scores of a sequence as far as the heads from h on make them up.
void score_heads(const SsdStateImportanceParams& p, int64_t s, int64_t h, const HeadTerms& terms) {
  const int64_t n = p.heads - h, begin = p.path.begin(s);
  const Vec A = load_some(p.A + h, n) * set1(kLog2e), weights = load_some(terms.weights + s * p.heads + h, n);
  float* const sums = terms.sums + h / kWidth * p.path.steps;
  Elapsed elapsed;
  for (int64_t k = p.path.end(s) - 1; k >= begin; --k) {
    const int64_t at = k * p.heads + h;
    sums[k] = sum(load_some(terms.input + at, n) * decay_of(elapsed.time * A) * weights);

    const Vec dt = load_some(terms.dt + at, n), dt_before = k > begin ? load_some(terms.dt + at - p.heads, n) : dt;
    const Vec skipped = p.skipped_dt ? load_some(p.skipped_dt + at, n) : set1(0);
    elapsed.add(decay_time(p.alignment, dt, dt_before, p.path.gap[k], skipped));
  }
}

Status run_ssd(const SsdStateImportanceParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t heads = p.heads, steps = p.path.steps, state_size = int64_t(p.head_dim) * p.d_state;
  const int64_t sequences = p.path.sequences, vectors = ceil_div(heads, kWidth);
  ctx.pool.reserve_shared(size_t((2 * steps + sequences) * heads + vectors * steps) * sizeof(float));
  HeadTerms terms;
  terms.dt = ctx.pool.shared<float>();
  terms.input = terms.dt + steps * heads;
  terms.weights = terms.input + steps * heads;
  terms.sums = terms.weights + sequences * heads;

  parallel_rows(ctx.pool, sequences * heads, state_size, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) terms.weights[i] = inverse(norm(p.state + i * state_size, state_size));
  });
  parallel_rows(ctx.pool, steps, heads * p.head_dim, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) measure_step(p, k, terms);
  });
  ctx.pool.parallel_for(sequences * vectors,
                        [&](int64_t task, int) { score_heads(p, task / vectors, task % vectors * kWidth, terms); });
  finish_scores(terms.sums, vectors, steps, heads, ImportanceMetric::state, p.path.index, nullptr, p.scores, ctx.pool);
  return {};
}

}  // namespace

const Op<SelectiveStateImportanceParams> selective_state_importance = {supports_all, run_selective};
const Op<SsdStateImportanceParams> ssd_state_importance = {supports_all, run_ssd};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
