// SSD scan. Sequences of some length are walked in chunks of kChunk steps, as matrix products (arXiv 2405.21060,
// section 6; cum is the running sum of decay * A within the chunk):
//   Y = exp(cum) C h + (C B^T o L) X        L[k][j] = exp(cum_k - cum_j) for j <= k, else 0;  X = dt x
//   h = exp(cum_last) h + (exp(cum_last - cum) X)^T B
// Differences of sums are never positive, so no exponential overflows. Alignment only changes decay. Sequences of a
// few steps take the plain recurrence. A task is a sequence and some heads of one group, which share C B^T.
//
// A sequence's length alone decides which of the two it takes, and a head's result does not depend on its task: so a
// sequence gives the same bits alone or in a batch, and for any number of threads.
#include "core/arena.h"
#include "cpu/decay.h"
#include "cpu/gemm.h"
#include "cpu/importance.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kChunk = 32;
static_assert(kChunk % kPanel == 0);
constexpr int64_t kFewSteps = 16;  // up to here the recurrence is faster
constexpr int64_t kMaxHeads = 8;   // of a task
constexpr int64_t kStates =
    128;  // of a row of C in one piece: with a constant stride its tiles need no address arithmetic
constexpr int64_t kCStride = kStates + 16;  // an odd number of cache lines: rows spread over the cache's sets
constexpr int64_t kLine = 16;               // floats of a cache line

struct Heads {
  int64_t first, count, group;
  float* sums;  // (count, steps): what the importance of a step adds up to in each head, or null: not wanted
};

// ---- step sizes, with heads in the lanes

// dt of every step [begin, end) and the time of its decay, (steps, kMaxHeads) each. last_dt carries dt over to the
// next call.
void step_sizes(const SsdScanParams& p, const Heads& heads, int64_t begin, int64_t end, int64_t first_step,
                float* last_dt, float* dts, float* decays) {
  for (int64_t k = begin; k < end; ++k, dts += kMaxHeads, decays += kMaxHeads) {
    for (int64_t i = 0; i < heads.count; i += kWidth) {
      const int64_t n = heads.count - i, h = heads.first + i;
      Vec dt = load_some(p.dt.f32() + p.path.param_index[k] * p.dt_stride + h, n);
      if (p.dt_bias) dt = dt + load_some(p.dt_bias + h, n);
      if (p.softplus) dt = softplus(dt);
      dt = min(max(dt, set1(p.dt_min)), set1(p.dt_max));
      const Vec dt_before = k == first_step ? dt : load_some(last_dt + i, n);
      const Vec skipped = p.skipped_dt ? load_some(p.skipped_dt + k * p.heads + h, n) : set1(0);
      store_some(last_dt + i, dt, n);
      store_some(dts + i, dt, n);
      store_some(decays + i, decay_time(p.alignment, dt, dt_before, p.path.gap[k], skipped), n);
    }
    if (heads.sums && p.metric == ImportanceMetric::delta) {
      for (int64_t i = 0; i < heads.count; ++i) heads.sums[i * p.path.steps + k] = dts[i];
    }
  }
}

// (y + D x) * silu(z) for `count` channels, from `channel` on, of step k of the task's i-th head.
void finish_row(const SsdScanParams& p, const Heads& heads, int64_t i_head, int64_t k, int64_t channel, int64_t count,
                const float* y) {
  const int64_t row = p.path.index[k], head = heads.first + i_head, at = head * p.head_dim + channel;
  const bool scored = heads.sums && p.metric != ImportanceMetric::delta;
  Vec total = set1(0);
  for (int64_t i = 0; i < count; i += kWidth) {
    const int64_t n = count - i;
    Vec v = load(y + i);
    if (p.D) {
      const Vec D = p.D_per_channel ? load_some(p.D + at + i, n) : set1(p.D[head]);
      v = fma(D, load_some(p.x.f32() + row * p.x_stride + at + i, n), v);
    }
    const Vec ungated = v;
    if (p.z) v = v * silu(load_some(p.z.f32() + row * p.z_stride + at + i, n));
    store_some(p.y.f32() + row * p.y_stride + at + i, v, n);
    if (scored)
      total = add_channels(p.metric, total, first_lanes(p.source == ImportanceSource::gated ? v : ungated, n));
  }
  if (scored) {
    float& sum_of_head = heads.sums[i_head * p.path.steps + k];
    sum_of_head = channel == 0 ? sum(total) : sum_of_head + sum(total);
  }
}

// ---- chunks

// Scratch memory of a task. Rows of head channels are padded to kPanel, with zeros.
struct Chunk {
  int64_t steps = 0, dims;     // dims: head_dim, padded
  float* B;                    // (d_state, kChunk): transposed
  float* C;                    // (pieces of kStates, kChunk, kCStride)
  float* G;                    // (kChunk, kChunk): C B^T where it is wanted, zeros to the right of the diagonal
  float* M;                    // (kChunk, kChunk): G o L of one head
  float *X, *decayed;          // (kChunk, dims): dt x, and the same decayed to the chunk's end
  float *dt, *decay;           // (kChunk, kMaxHeads)
  float *cum, *rest;           // (kChunk): cum * log2(e) of one head, and what rounding took off it
  float *from_start, *to_end;  // (kChunk): exp(cum), exp(cum_last - cum)
  float* last_dt;              // (kMaxHeads)
  float* h;                    // (kMaxHeads, d_state, dims): the state, transposed

  Chunk(Arena arena, const SsdScanParams& p) : dims(ceil_div(p.head_dim, kPanel) * kPanel) {
    B = arena.take<float>(p.d_state * kChunk);
    C = arena.take<float>(ceil_div(p.d_state, kStates) * kChunk * kCStride);
    G = arena.take<float>(kChunk * kChunk);
    M = arena.take<float>(kChunk * kChunk);
    X = arena.take<float>(kChunk * dims);
    decayed = arena.take<float>(kChunk * dims);
    dt = arena.take<float>(kChunk * kMaxHeads);
    decay = arena.take<float>(kChunk * kMaxHeads);
    cum = arena.take<float>(kChunk);
    rest = arena.take<float>(kChunk);
    from_start = arena.take<float>(kChunk);
    to_end = arena.take<float>(kChunk);
    last_dt = arena.take<float>(kMaxHeads);
    h = arena.take<float>(kMaxHeads * p.d_state * dims);
    bytes = arena.used();
  }
  size_t bytes;
};

template <int M>
[[gnu::always_inline]] inline void put(Vec (&acc)[M][2], float* to, int64_t stride) {
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i) {
    store(to + i * stride, acc[i][0]);
    store(to + i * stride + kWidth, acc[i][1]);
  }
}

// Calls body(rows, row) for tiles that cover `rows` rows as evenly as possible; rows.count is a constant (gemm.h).
template <class Body>
void for_tiles(int64_t rows, const Body& body) {
  const int64_t tiles = ceil_div(rows, kTileRows);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = rows * t / tiles;
    with_rows(rows * (t + 1) / tiles - row, [&](auto tile) { body(tile, row); });
  }
}

// acc += C[row ..] b, b with a row for each state.
template <int M>
[[gnu::always_inline]] inline void multiply_C(Vec (&acc)[M][2], const Chunk& c, int64_t row, int64_t states,
                                              const float* b, int64_t b_stride) {
  const float* C = c.C + row * kCStride;
  for (int64_t n = 0; n < states; n += kStates, C += kChunk * kCStride)
    multiply_add<M, 1>(acc, C, kCStride, b + n * b_stride, b_stride, 0, min(kStates, states - n));
}

// B^T, C and C B^T of the chunk that begins at step k.
void gather(const SsdScanParams& p, const Heads& heads, int64_t k, const Chunk& c) {
  const int64_t N = p.d_state, group = heads.group * N;
  for (int64_t j0 = 0; j0 < c.steps; j0 += kWidth) {
    for (int64_t n = 0; n < N; n += kWidth) {
      Vec square[kWidth];
      for (int64_t j = j0; j < j0 + kWidth; ++j) {
        const bool inside = j < c.steps;
        square[j - j0] =
            inside ? load_some(p.B.f32() + p.path.param_index[k + j] * p.B_stride + group + n, N - n) : set1(0);
      }
      transpose(square);
      for (int i = 0; i < kWidth && n + i < N; ++i) store(c.B + (n + i) * kChunk + j0, square[i]);
    }
  }
  for (int64_t j = 0; j < c.steps; ++j) {
    const float* C = p.C.f32() + p.path.param_index[k + j] * p.C_stride + group;
    for (int64_t n = 0; n < N; n += kStates)
      copy(C + n, min(kStates, N - n), c.C + (n / kStates * kChunk + j) * kCStride);
  }
  for_tiles(c.steps, [&](auto tile, int64_t row) {
    constexpr int M = decltype(tile)::count;
    for (int64_t j = 0; j < row + M; j += kPanel) {
      Vec acc[M][2];
      clear(acc);
      multiply_C(acc, c, row, N, c.B + j, kChunk);
      put(acc, c.G + row * kChunk + j, kChunk);
    }
  });
  for (int64_t j = 0; j < c.steps; ++j) memset(c.G + j * kChunk + j + 1, 0, size_t(kChunk - j - 1) * sizeof(float));
}

// The decays of the task's i-th head within the chunk.
void accumulate_decay(const SsdScanParams& p, const Heads& heads, int64_t i, const Chunk& c) {
  // The difference of two neighbours may be far smaller than they are: kept in two floats, it stays exact to float32.
  const double A = double(p.A[heads.first + i]) * double(kLog2e);
  double cum = 0;
  for (int64_t j = 0; j < kChunk; ++j) {
    if (j < c.steps) cum += double(c.decay[j * kMaxHeads + i]) * A;
    c.cum[j] = float(cum);
    c.rest[j] = float(cum - double(c.cum[j]));
  }
  const Vec last = set1(float(cum)), last_rest = set1(float(cum - double(float(cum))));
  for (int64_t j = 0; j < kChunk; j += kWidth) {
    const Vec to_last = (last - load(c.cum + j)) + (last_rest - load(c.rest + j));
    store(c.from_start + j, decay_of(load(c.cum + j)));
    store(c.to_end + j, decay_of(to_last));
  }
}

// X, `decayed` and M of the task's i-th head, whose chunk begins at step k.
void prepare_head(const SsdScanParams& p, const Heads& heads, int64_t i, int64_t k, const Chunk& c) {
  const int64_t P = p.head_dim, at = (heads.first + i) * P;
  for (int64_t j = 0; j < c.steps; ++j) {
    const int64_t row = p.path.index[k + j];
    const float* x = p.x.f32() + row * p.x_stride + at;
    float *X = c.X + j * c.dims, *decayed = c.decayed + j * c.dims;
    for (int64_t d = 0; d < P; d += kLine) {  // the next head of this row, and where this one will be written
      __builtin_prefetch(x + P + d);
      __builtin_prefetch(p.y.f32() + row * p.y_stride + at + d, 1);
    }
    const Vec dt = set1(c.dt[j * kMaxHeads + i]), to_end = set1(c.to_end[j]);
    for (int64_t d = 0; d < c.dims; d += kWidth) {
      const Vec v = d < P ? dt * load_some(x + d, P - d) : set1(0);
      store(X + d, v);
      store(decayed + d, v * to_end);
    }
    const Vec cum = set1(c.cum[j]), rest = set1(c.rest[j]);
    for (int64_t l = 0; l < c.steps; l += kWidth) {
      const Vec difference = (cum - load(c.cum + l)) + (rest - load(c.rest + l));
      store(c.M + j * kChunk + l, load(c.G + j * kChunk + l) * decay_of(min(difference, set1(0))));
    }
  }
}

// The outputs of the task's i-th head, and then its state after the chunk.
void multiply_head(const SsdScanParams& p, const Heads& heads, int64_t i, int64_t k, const Chunk& c) {
  const int64_t N = p.d_state;
  float* const h = c.h + i * N * c.dims;
  for (int64_t d = 0; d < c.dims; d += kPanel) {
    for_tiles(c.steps, [&](auto tile, int64_t row) {
      constexpr int M = decltype(tile)::count;
      Vec acc[M][2];
      clear(acc);
      multiply_C(acc, c, row, N, h + d, c.dims);
#pragma GCC unroll 16
      for (int r = 0; r < M; ++r) {
        const Vec decay = set1(c.from_start[row + r]);
        acc[r][0] = acc[r][0] * decay;
        acc[r][1] = acc[r][1] * decay;
      }
      multiply_add<M, 1>(acc, c.M + row * kChunk, kChunk, c.X + d, c.dims, 0, row + M);
      alignas(kAlignment) float y[M][kPanel];
      put(acc, y[0], kPanel);
      for (int r = 0; r < M; ++r) finish_row(p, heads, i, k + row + r, d, min(kPanel, p.head_dim - d), y[r]);
    });
  }
  const Vec decay = set1(c.from_start[c.steps - 1]);
  for (int64_t d = 0; d < c.dims; d += kPanel) {
    for_tiles(N, [&](auto tile, int64_t n) {
      constexpr int M = decltype(tile)::count;
      Vec acc[M][2];
#pragma GCC unroll 16
      for (int r = 0; r < M; ++r) {
        acc[r][0] = load(h + (n + r) * c.dims + d) * decay;
        acc[r][1] = load(h + (n + r) * c.dims + d + kWidth) * decay;
      }
      multiply_add<M, 1>(acc, c.B + n * kChunk, kChunk, c.decayed + d, c.dims, 0, c.steps);
      put(acc, h + n * c.dims + d, c.dims);
    });
  }
}

void scan_chunks(const SsdScanParams& p, const Heads& heads, int64_t s, float* scratch) {
  Chunk c(Arena(scratch), p);
  const int64_t begin = p.path.begin(s), end = p.path.end(s), state_size = int64_t(p.head_dim) * p.d_state;
  const int64_t state_at = (s * p.heads + heads.first) * state_size, h_size = p.d_state * c.dims;
  memset(c.h, 0, size_t(heads.count * h_size) * sizeof(float));
  for (int64_t i = 0; i < heads.count && p.state_in; ++i)
    transpose(p.state_in + state_at + i * state_size, p.d_state, p.head_dim, p.d_state, c.h + i * h_size, c.dims);
  for (int64_t k = begin; k < end; k += kChunk) {
    c.steps = min(kChunk, end - k);
    step_sizes(p, heads, k, k + c.steps, begin, c.last_dt, c.dt, c.decay);
    gather(p, heads, k, c);
    for (int64_t i = 0; i < heads.count; ++i) {
      accumulate_decay(p, heads, i, c);
      prepare_head(p, heads, i, k, c);
      multiply_head(p, heads, i, k, c);
    }
  }
  for (int64_t i = 0; i < heads.count && p.state_out; ++i)
    transpose(c.h + i * h_size, c.dims, p.d_state, p.head_dim, p.state_out + state_at + i * state_size, p.d_state);
}

// ---- a few steps: the recurrence, with states in the lanes

// Scratch memory of a task.
struct Steps {
  float *dt, *decay;  // (kFewSteps, kMaxHeads)
  float* last_dt;     // (kMaxHeads)
  float* y;           // (head_dim)
  float* h;           // (head_dim, d_state): the state, where nobody wants it

  Steps(Arena arena, const SsdScanParams& p) {
    dt = arena.take<float>(kFewSteps * kMaxHeads);
    decay = arena.take<float>(kFewSteps * kMaxHeads);
    last_dt = arena.take<float>(kMaxHeads);
    y = arena.take<float>(p.head_dim + kWidth);
    h = arena.take<float>(int64_t(p.head_dim) * p.d_state);
    bytes = arena.used();
  }
  size_t bytes;
};

// h = decay * from + dt x B and y = C . h for R channels; `from` may be h, or null: zeros.
template <int R>
void advance(Vec decay, float dt, const float* x, const float* B, const float* C, int64_t N, const float* from,
             float* h, float* y) {
  Vec input[R], total[R];
  for (int r = 0; r < R; ++r) {
    input[r] = set1(dt * x[r]);
    total[r] = set1(0);
  }
  const auto states = [&](int64_t n, int64_t count) {
    const Vec b = load_some(B + n, count), c = load_some(C + n, count);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      Vec state = input[r] * b;
      if (from) state = fma(decay, load_some(from + r * N + n, count), state);
      store_some(h + r * N + n, state, count);
      total[r] = fma(state, c, total[r]);
    }
  };
  int64_t n = 0;
  for (; n + kWidth <= N; n += kWidth) states(n, kWidth);
  if (n < N) states(n, N - n);
  for (int r = 0; r < R; ++r) y[r] = sum(total[r]);
}

void scan_steps(const SsdScanParams& p, const Heads& heads, int64_t s, float* scratch) {
  const Steps steps(Arena(scratch), p);
  const int64_t begin = p.path.begin(s), end = p.path.end(s), N = p.d_state, P = p.head_dim;
  step_sizes(p, heads, begin, end, begin, steps.last_dt, steps.dt, steps.decay);
  for (int64_t i = 0; i < heads.count; ++i) {
    const int64_t head = heads.first + i, state_at = (s * p.heads + head) * P * N;
    float* const h = p.state_out ? p.state_out + state_at : steps.h;
    const float* from = p.state_in ? p.state_in + state_at : nullptr;
    if (begin == end && p.state_out) {  // no step: the state stays what it was
      from ? memmove(h, from, size_t(P * N) * sizeof(float)) : memset(h, 0, size_t(P * N) * sizeof(float));
    }
    for (int64_t k = begin; k < end; ++k, from = h) {
      const int64_t row = p.path.index[k], param = p.path.param_index[k], at = (k - begin) * kMaxHeads + i;
      const float *B = p.B.f32() + param * p.B_stride + heads.group * N,
                  *C = p.C.f32() + param * p.C_stride + heads.group * N;
      const float* x = p.x.f32() + row * p.x_stride + head * P;
      const Vec decay = decay_of(set1(steps.decay[at] * p.A[head] * kLog2e));
      for (int64_t d = 0; d < P; d += 4) {  // channels that share the loads of B and C
        with_rows<4>(min(4, P - d), [&](auto channels) {
          advance<channels.count>(decay, steps.dt[at], x + d, B, C, N, from ? from + d * N : nullptr, h + d * N,
                                  steps.y + d);
        });
      }
      finish_row(p, heads, i, k, 0, P, steps.y);
    }
  }
}

// ---- entry

bool few_steps(const SsdScanParams& p, int64_t s) { return p.path.end(s) - p.path.begin(s) <= kFewSteps; }

Status run(const SsdScanParams& p, ExecContext& ctx) {
  const int64_t sequences = p.path.sequences;
  bool chunks = false, few = false;
  for (int64_t s = 0; s < sequences; ++s) (few_steps(p, s) ? few : chunks) = true;
  ctx.route = !few     ? SKIPSCAN_NAME(SKIPSCAN_ISA) "/chunked"
              : chunks ? SKIPSCAN_NAME(SKIPSCAN_ISA) "/mixed"
                       : SKIPSCAN_NAME(SKIPSCAN_ISA) "/step";

  // Several tasks a thread, and not more heads than fit the scratch; fewer tasks share C B^T among more heads.
  const int64_t per_group = p.heads / p.groups;
  const int64_t blocks = max(ceil_div(per_group, kMaxHeads), ceil_div(3 * ctx.pool.threads(), p.groups * sequences));
  const int64_t per_task = ceil_div(per_group, min(blocks, per_group)), tasks = ceil_div(per_group, per_task);
  if (p.importance) ctx.pool.reserve_shared(size_t(p.heads * p.path.steps) * sizeof(float));
  ctx.pool.reserve_scratch(chunks ? Chunk(Arena(), p).bytes : Steps(Arena(), p).bytes);
  ctx.pool.parallel_for(sequences * p.groups * tasks, [&](int64_t task, int worker) {
    const int64_t s = task / (p.groups * tasks), group = task / tasks % p.groups, first = task % tasks * per_task;
    const int64_t head = group * per_group + first;
    const Heads heads = {head, min(per_task, per_group - first), group,
                         p.importance ? ctx.pool.shared<float>() + head * p.path.steps : nullptr};
    float* const scratch = ctx.pool.scratch<float>(worker);
    few_steps(p, s) ? scan_steps(p, heads, s, scratch) : scan_chunks(p, heads, s, scratch);
  });
  if (p.importance) {
    const int64_t per_head = p.metric == ImportanceMetric::delta ? 1 : p.head_dim;
    finish_scan_scores(p, p.heads, p.heads * per_head, ctx.pool);
  }
  return {};
}

}  // namespace

const Op<SsdScanParams> ssd_scan = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
