// SSD scan. Sequences of some length are walked in chunks of kChunk steps, as matrix products (arXiv 2405.21060, section 6;
// cum is the running sum of decay * A within the chunk):
//   Y = (C B^T o L) X + exp(cum) C h        L[k][j] = exp(cum_k - cum_j) for j <= k, else 0;  X = dt x
//   h = exp(cum_last) h + (exp(cum_last - cum) X)^T B
// Differences of sums are never positive, so no exponential overflows. Alignment only changes decay. Sequences of a few steps
// take the plain recurrence. A task is a sequence and some heads of one group, which share C B^T.
#include "core/arena.h"
#include "cpu/gemm.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kChunk = 64;
constexpr int64_t kFewSteps = 8;  // up to here the recurrence is faster
constexpr int64_t kMaxHeads = 8;  // of a task

struct Heads {
  int64_t first, count, group;
};

int64_t padded(int64_t n, int64_t multiple) { return ceil_div(n, multiple) * multiple; }

// 2^x for x <= 0, but 0 where that is below 2^-100: products with the smallest floats leave the normal range, where a
// multiplication takes a hundred times as long.
inline Vec decay_of(Vec x) { return max(exp2(x) - set1(0x1p-100f), set1(0)); }

// ---- step sizes, with heads in the lanes

// dt of every step [begin, end) and the time of its decay, (steps, kMaxHeads) each. last_dt carries dt over to the next call.
void step_sizes(const SsdScanParams& p, const Heads& heads, int64_t begin, int64_t end, int64_t first_step,
                float* last_dt, float* dts, float* decays) {
  for (int64_t k = begin; k < end; ++k, dts += kMaxHeads, decays += kMaxHeads) {
    for (int64_t i = 0; i < heads.count; i += kWidth) {
      const int64_t n = heads.count - i, h = heads.first + i;
      Vec dt = load_some(p.dt + p.path.param_index[k] * p.dt_stride + h, n);
      if (p.dt_bias) dt = dt + load_some(p.dt_bias + h, n);
      if (p.softplus) dt = softplus(dt);
      dt = min(max(dt, set1(p.dt_min)), set1(p.dt_max));
      const Vec gap = set1(float(p.path.gap[k]));
      Vec decay = dt;
      switch (p.alignment) {
        case Alignment::none: break;
        case Alignment::next: decay = gap * dt; break;
        case Alignment::previous:
          decay = fma(gap - set1(1), k == first_step ? dt : load_some(last_dt + i, n), dt);
          break;
        case Alignment::own: decay = dt + load_some(p.skipped_dt + k * p.heads + h, n); break;
      }
      store_some(last_dt + i, dt, n);
      store_some(dts + i, dt, n);
      store_some(decays + i, decay, n);
    }
  }
}

// (y + D x) * silu(z) for one row of one head.
void finish_row(const SsdScanParams& p, int64_t row, int64_t head, const float* y) {
  const int64_t P = p.head_dim, at = head * P;
  const float* x = p.x + row * p.x_stride + at;
  float* out = p.y + row * p.y_stride + at;
  for (int64_t i = 0; i < P; i += kWidth) {
    const int64_t n = P - i;
    Vec v = load(y + i);
    if (p.D) v = fma(p.D_per_channel ? load_some(p.D + at + i, n) : set1(p.D[head]), load_some(x + i, n), v);
    if (p.z) v = v * silu(load_some(p.z + row * p.z_stride + at + i, n));
    store_some(out + i, v, n);
  }
}

// ---- chunks

// Scratch memory of a task. Rows of head channels are padded to kPanel, columns of steps to kChunk.
struct Chunk {
  int64_t steps, dims;  // dims: head_dim, padded
  float* B;             // (d_state, kChunk): transposed
  float* C;             // (kChunk, d_state)
  float* G;             // (kChunk, kChunk): C B^T
  float* M;             // (kChunk, kChunk): G o L of one head
  float *X, *decayed;   // (kChunk, dims): dt x, and the same decayed to the chunk's end
  float* Y;             // (kTileRows, dims)
  float *dt, *decay;    // (kChunk, kMaxHeads)
  float *cum, *rest;    // (kChunk): cum * log2(e) of one head, and what rounding it took off
  float* last_dt;       // (kMaxHeads)
  float* h;             // (kMaxHeads, d_state, dims): the state, transposed

  Chunk(Arena& arena, const SsdScanParams& p) : steps(0), dims(padded(p.head_dim, kPanel)) {
    B = arena.take<float>(p.d_state * kChunk);
    C = arena.take<float>(kChunk * p.d_state);
    G = arena.take<float>(kChunk * kChunk);
    M = arena.take<float>(kChunk * kChunk);
    X = arena.take<float>(kChunk * dims);
    decayed = arena.take<float>(kChunk * dims);
    Y = arena.take<float>(kTileRows * dims);
    dt = arena.take<float>(kChunk * kMaxHeads);
    decay = arena.take<float>(kChunk * kMaxHeads);
    cum = arena.take<float>(kChunk);
    rest = arena.take<float>(kChunk);
    last_dt = arena.take<float>(kMaxHeads);
    h = arena.take<float>(kMaxHeads * p.d_state * dims);
  }
};

template <int M>
void put(Vec (&acc)[M][2], float* to, int64_t stride) {
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

// B^T, C and C B^T of the chunk that begins at step k.
void gather(const SsdScanParams& p, const Heads& heads, int64_t k, Chunk& c) {
  const int64_t N = p.d_state, group = heads.group * N;
  for (int64_t j0 = 0; j0 < kChunk; j0 += kWidth) {
    for (int64_t n = 0; n < N; n += kWidth) {
      Vec square[kWidth];
      for (int j = 0; j < kWidth; ++j) {
        square[j] = j0 + j < c.steps ? load_some(p.B + p.path.param_index[k + j0 + j] * p.B_stride + group + n, N - n)
                                     : set1(0);
      }
      transpose(square);
      for (int i = 0; i < kWidth && n + i < N; ++i) store(c.B + (n + i) * kChunk + j0, square[i]);
    }
  }
  for (int64_t j = 0; j < c.steps; ++j) {
    memcpy(c.C + j * N, p.C + p.path.param_index[k + j] * p.C_stride + group, size_t(N) * sizeof(float));
  }
  for_tiles(c.steps, [&](auto tile, int64_t row) {
    constexpr int M = decltype(tile)::count;
    for (int64_t j = 0; j < row + M; j += kPanel) {  // what lies right of the diagonal is not used
      Vec acc[M][2];
      clear(acc);
      multiply_add<M, 1>(acc, c.C + row * N, N, c.B + j, kChunk, 0, N);
      put(acc, c.G + row * kChunk + j, kChunk);
    }
  });
}

// One head of the chunk: `i` is its place among the task's heads.
void run_head(const SsdScanParams& p, const Heads& heads, int64_t i, int64_t k, const Chunk& c) {
  const int64_t head = heads.first + i, N = p.d_state, P = p.head_dim;
  float* const h = c.h + i * N * c.dims;
  // Two neighbours' difference may be far smaller than their sums: kept in two floats, it stays exact to float32.
  double cum = 0;
  for (int64_t j = 0; j < kChunk; ++j) {
    if (j < c.steps) cum += double(c.decay[j * kMaxHeads + i]) * p.A[head] * double(kLog2e);
    c.cum[j] = float(cum);
    c.rest[j] = float(cum - double(c.cum[j]));
  }
  const int64_t last = c.steps - 1;

  for (int64_t j = 0; j < c.steps; ++j) {
    const float* x = p.x + p.path.index[k + j] * p.x_stride + head * P;
    const Vec dt = set1(c.dt[j * kMaxHeads + i]),
              to_end = decay_of(set1((c.cum[last] - c.cum[j]) + (c.rest[last] - c.rest[j])));
    for (int64_t d = 0; d < c.dims; d += kWidth) {
      const Vec v = d < P ? dt * load_some(x + d, P - d) : set1(0);
      store(c.X + j * c.dims + d, v);
      store(c.decayed + j * c.dims + d, v * to_end);
    }
    // Row j of G o L, up to the diagonal and zeros from there to the end of its tile.
    for (int64_t l = 0; l < kChunk; l += kWidth) {
      if (l > j) {
        store(c.M + j * kChunk + l, set1(0));
        continue;
      }
      const Vec difference = (set1(c.cum[j]) - load(c.cum + l)) + (set1(c.rest[j]) - load(c.rest + l));
      const Vec decay = decay_of(min(difference, set1(0)));
      store(c.M + j * kChunk + l, load(c.G + j * kChunk + l) * decay);
    }
    for (int64_t l = j + 1; l < padded(j + 1, kWidth); ++l) c.M[j * kChunk + l] = 0;
  }

  for_tiles(c.steps, [&](auto tile, int64_t row) {
    constexpr int M = decltype(tile)::count;
    for (int64_t d = 0; d < c.dims; d += kPanel) {
      Vec acc[M][2];
      clear(acc);
      multiply_add<M, 1>(acc, c.C + row * N, N, h + d, c.dims, 0, N);
#pragma GCC unroll 16
      for (int r = 0; r < M; ++r) {
        const Vec decay = decay_of(set1(c.cum[row + r]));
        acc[r][0] = acc[r][0] * decay;
        acc[r][1] = acc[r][1] * decay;
      }
      multiply_add<M, 1>(acc, c.M + row * kChunk, kChunk, c.X + d, c.dims, 0, row + M);
      put(acc, c.Y + d, c.dims);
    }
    for (int r = 0; r < M; ++r) finish_row(p, p.path.index[k + row + r], head, c.Y + r * c.dims);
  });

  const Vec decay = decay_of(set1(c.cum[last]));
  for_tiles(N, [&](auto tile, int64_t n) {
    constexpr int M = decltype(tile)::count;
    for (int64_t d = 0; d < c.dims; d += kPanel) {
      Vec acc[M][2];
#pragma GCC unroll 16
      for (int r = 0; r < M; ++r) {
        acc[r][0] = load(h + (n + r) * c.dims + d) * decay;
        acc[r][1] = load(h + (n + r) * c.dims + d + kWidth) * decay;
      }
      multiply_add<M, 1>(acc, c.B + n * kChunk, kChunk, c.decayed + d, c.dims, 0, c.steps);
      put(acc, h + n * c.dims + d, c.dims);
    }
  });
}

void scan_chunks(const SsdScanParams& p, const Heads& heads, int64_t s, float* scratch) {
  Arena arena(scratch);
  Chunk c(arena, p);
  const int64_t begin = p.path.begin(s), end = p.path.end(s), state_size = int64_t(p.head_dim) * p.d_state;
  const int64_t state_at = (s * p.heads + heads.first) * state_size, h_size = p.d_state * c.dims;
  for (int64_t i = 0; i < heads.count; ++i) {
    float* const h = c.h + i * h_size;
    memset(h, 0, size_t(h_size) * sizeof(float));
    if (p.state_in) transpose(p.state_in + state_at + i * state_size, p.d_state, p.head_dim, p.d_state, h, c.dims);
  }
  for (int64_t k = begin; k < end; k += kChunk) {
    c.steps = min(kChunk, end - k);
    step_sizes(p, heads, k, k + c.steps, begin, c.last_dt, c.dt, c.decay);
    gather(p, heads, k, c);
    for (int64_t i = 0; i < heads.count; ++i) run_head(p, heads, i, k, c);
  }
  if (!p.state_out) return;
  for (int64_t i = 0; i < heads.count; ++i) {
    transpose(c.h + i * h_size, c.dims, p.d_state, p.head_dim, p.state_out + state_at + i * state_size, p.d_state);
  }
}

// ---- a few steps: the recurrence, with states in the lanes

void scan_steps(const SsdScanParams& p, const Heads& heads, int64_t s, float* scratch) {
  Arena arena(scratch);
  float* const dts = arena.take<float>(kFewSteps * kMaxHeads);
  float* const decays = arena.take<float>(kFewSteps * kMaxHeads);
  float* const last_dt = arena.take<float>(kMaxHeads);
  float* const y = arena.take<float>(padded(p.head_dim, kWidth));
  float* const own = arena.take<float>(int64_t(p.head_dim) * p.d_state);  // the state, where nobody wants it
  const int64_t begin = p.path.begin(s), end = p.path.end(s), N = p.d_state, P = p.head_dim;
  step_sizes(p, heads, begin, end, begin, last_dt, dts, decays);
  for (int64_t i = 0; i < heads.count; ++i) {
    const int64_t head = heads.first + i, state_at = (s * p.heads + head) * P * N;
    float* const h = p.state_out ? p.state_out + state_at : own;
    const float* from = p.state_in ? p.state_in + state_at : nullptr;
    if (begin == end && p.state_out) {  // no step: the state stays what it was
      from ? memmove(h, from, size_t(P * N) * sizeof(float)) : memset(h, 0, size_t(P * N) * sizeof(float));
    }
    for (int64_t k = begin; k < end; ++k, from = h) {
      const int64_t row = p.path.index[k], param = p.path.param_index[k], at = (k - begin) * kMaxHeads + i;
      const float *B = p.B + param * p.B_stride + heads.group * N, *C = p.C + param * p.C_stride + heads.group * N;
      const float* x = p.x + row * p.x_stride + head * P;
      const Vec decay = decay_of(set1(decays[at] * p.A[head] * kLog2e));
      for (int64_t d = 0; d < P; ++d) {
        const Vec input = set1(dts[at] * x[d]);
        Vec total = set1(0);
        for (int64_t n = 0; n < N; n += kWidth) {
          Vec state = input * load_some(B + n, N - n);
          if (from) state = fma(decay, load_some(from + d * N + n, N - n), state);
          store_some(h + d * N + n, state, N - n);
          total = fma(state, load_some(C + n, N - n), total);
        }
        y[d] = sum(total);
      }
      finish_row(p, row, head, y);
    }
  }
}

// ---- entry

bool few_steps(const SsdScanParams& p, int64_t s) { return p.path.end(s) - p.path.begin(s) <= kFewSteps; }

Status run(const SsdScanParams& p, ExecContext& ctx) {
  const int64_t per_group = p.heads / p.groups, sequences = p.path.sequences;
  // Several tasks a thread, and not more heads than share a C B^T well or fit the scratch.
  const int64_t blocks = max(ceil_div(per_group, kMaxHeads), ceil_div(3 * ctx.pool.threads(), p.groups * sequences));
  const int64_t per_task = ceil_div(per_group, min(blocks, per_group)), tasks = ceil_div(per_group, per_task);

  Arena chunked, steps;
  (void)Chunk(chunked, p);
  steps.take<float>(3 * kFewSteps * kMaxHeads + padded(p.head_dim, kWidth) + int64_t(p.head_dim) * p.d_state + 128);
  ctx.pool.reserve_scratch(size_t(max(int64_t(chunked.used()), int64_t(steps.used()))));

  ctx.pool.parallel_for(sequences * p.groups * tasks, [&](int64_t task, int worker) {
    const int64_t s = task / (p.groups * tasks), group = task / tasks % p.groups, first = task % tasks * per_task;
    const Heads heads = {group * per_group + first, min(per_task, per_group - first), group};
    float* const scratch = ctx.pool.scratch<float>(worker);
    few_steps(p, s) ? scan_steps(p, heads, s, scratch) : scan_chunks(p, heads, s, scratch);
  });

  bool chunks = false, few = false;
  for (int64_t s = 0; s < sequences; ++s) (few_steps(p, s) ? few : chunks) = true;
  ctx.route = !few     ? SKIPSCAN_NAME(SKIPSCAN_ISA) "/chunked"
              : chunks ? SKIPSCAN_NAME(SKIPSCAN_ISA) "/mixed"
                       : SKIPSCAN_NAME(SKIPSCAN_ISA) "/step";
  return {};
}

}  // namespace

const Op<SsdScanParams> ssd_scan = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
