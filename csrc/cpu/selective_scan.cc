// Selective scan. Channels lie in the vector lanes. A task walks some sequences for one block of channels, whose state
// and A stay in its scratch memory, in L1, with the states of a vector of channels one after the other: (d_state, lanes).
// Every channel goes through the same arithmetic whatever the block, the batch or the number of threads.
#include "cpu/kernels.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int kBlockVectors = 4;
constexpr int64_t kPrefetchSteps = 8;  // rows are pages apart, where no hardware prefetcher follows

struct Block {
  int64_t channel, count;  // the first channel and how many; all of one group
  int64_t group;
  float *A, *h;    // (vectors, d_state, lanes): A * log2(e) and the state
  float* last_dt;  // (vectors, lanes): dt of the step before

  int64_t vectors() const { return (count + kWidth - 1) / kWidth; }
};

// Rows of (channels, d_state) to (d_state, lanes), times `scale`. Lanes beyond `channels` repeat the last channel.
void to_lanes(const float* rows, int64_t channels, int64_t d_state, float scale, float* lanes) {
  const int64_t last = (channels < kWidth ? channels : kWidth) - 1;
  for (int64_t n = 0; n < d_state; n += kWidth) {
    Vec square[kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) square[i] = load_some(rows + (i < last ? i : last) * d_state + n, d_state - n);
    transpose(square);
    for (int i = 0; i < kWidth && n + i < d_state; ++i) store(lanes + (n + i) * kWidth, square[i] * set1(scale));
  }
}

// The way back, for the channels that exist.
void from_lanes(const float* lanes, int64_t channels, int64_t d_state, float* rows) {
  for (int64_t n = 0; n < d_state; n += kWidth) {
    const int64_t last = (d_state - n < kWidth ? d_state - n : kWidth) - 1;
    Vec square[kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) square[i] = load(lanes + (n + (i < last ? i : last)) * kWidth);
    transpose(square);
    for (int i = 0; i < kWidth && i < channels; ++i) store_some(rows + i * d_state + n, square[i], d_state - n);
  }
}

// One step of one vector of channels: moves the state on and returns C . h.
inline Vec advance(const float* A, float* h, Vec decay, Vec input, const float* B, const float* C, int64_t d_state) {
  Vec y = set1(0);
#pragma GCC unroll 4
  for (int64_t n = 0; n < d_state; ++n) {
    const Vec state = fma(exp2(decay * load(A + n * kWidth)), load(h + n * kWidth), input * set1(B[n]));
    store(h + n * kWidth, state);
    y = fma(state, set1(C[n]), y);
  }
  return y;
}

template <Alignment alignment>
void scan(const SelectiveScanParams& p, const Block& block, int64_t begin, int64_t end) {
  const int64_t N = p.d_state;
  for (int64_t k = begin; k < end; ++k) {
    const int64_t r = p.path.index[k], q = p.path.param_index[k];
    const float *B = p.B + q * p.B_stride + block.group * N, *C = p.C + q * p.C_stride + block.group * N;
    const Vec gap = set1(float(p.path.gap[k]));
    const int64_t ahead = k + kPrefetchSteps < end ? k + kPrefetchSteps : k;
    const int64_t r_ahead = p.path.index[ahead], q_ahead = p.path.param_index[ahead];
    for (int64_t i = 0; i < block.count; i += kWidth) {
      const int64_t c = block.channel + i, n = block.count - i;
      __builtin_prefetch(p.delta + q_ahead * p.delta_stride + c);
      __builtin_prefetch(p.u + r_ahead * p.u_stride + c);
      if (p.z) __builtin_prefetch(p.z + r_ahead * p.z_stride + c);
      __builtin_prefetch(p.y + r_ahead * p.y_stride + c, 1);
      Vec dt = load_some(p.delta + q * p.delta_stride + c, n);
      if (p.dt_bias) dt = dt + load_some(p.dt_bias + c, n);
      if (p.softplus) dt = softplus(dt);

      Vec decay = dt;
      if constexpr (alignment == Alignment::next) decay = gap * dt;
      if constexpr (alignment == Alignment::own) decay = dt + load_some(p.skipped_dt + k * p.channels + c, n);
      if constexpr (alignment == Alignment::previous) {
        decay = fma(gap - set1(1), k == begin ? dt : load(block.last_dt + i), dt);
        store(block.last_dt + i, dt);
      }

      const Vec u = load_some(p.u + r * p.u_stride + c, n);
      Vec y = advance(block.A + i * N, block.h + i * N, decay, dt * u, B, C, N);
      if (p.D) y = fma(load_some(p.D + c, n), u, y);
      if (p.z) y = y * silu(load_some(p.z + r * p.z_stride + c, n));
      store_some(p.y + r * p.y_stride + c, y, n);
    }
  }
}

void scan_sequence(const SelectiveScanParams& p, const Block& block, int64_t s) {
  const int64_t N = p.d_state, state_at = (s * p.channels + block.channel) * N;
  for (int64_t i = 0; i < block.count; i += kWidth) {
    if (p.state_in)
      to_lanes(p.state_in + state_at + i * N, block.count - i, N, 1, block.h + i * N);
    else
      memset(block.h + i * N, 0, size_t(N) * kWidth * sizeof(float));
  }
  const int64_t begin = p.path.begin(s), end = p.path.end(s);
  switch (p.alignment) {
    case Alignment::none: scan<Alignment::none>(p, block, begin, end); break;
    case Alignment::next: scan<Alignment::next>(p, block, begin, end); break;
    case Alignment::previous: scan<Alignment::previous>(p, block, begin, end); break;
    case Alignment::own: scan<Alignment::own>(p, block, begin, end); break;
  }
  if (!p.state_out) return;
  for (int64_t i = 0; i < block.count; i += kWidth)
    from_lanes(block.h + i * N, block.count - i, N, p.state_out + state_at + i * N);
}

Status run(const SelectiveScanParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  const int64_t N = p.d_state, per_group = p.channels / p.groups, width = kBlockVectors * kWidth;
  const int64_t blocks_per_group = (per_group + width - 1) / width, blocks = blocks_per_group * p.groups;
  // floats
  const int64_t lanes = width * N;
  ctx.pool.reserve_scratch(size_t(2 * lanes + width) * sizeof(float));
  // Enough tasks for every thread, and otherwise many sequences a task: A is prepared once for them all.
  int64_t parts = (4 * ctx.pool.threads() + blocks - 1) / blocks;
  if (parts > p.path.sequences) parts = p.path.sequences;
  ctx.pool.parallel_for(blocks * parts, [&](int64_t task, int worker) {
    const int64_t b = task / parts, part = task % parts, within = b % blocks_per_group * width;
    Block block;
    block.group = b / blocks_per_group;
    block.channel = block.group * per_group + within;
    block.count = per_group - within < width ? per_group - within : width;
    block.A = ctx.pool.scratch<float>(worker);
    block.h = block.A + lanes;
    block.last_dt = block.h + lanes;
    for (int64_t i = 0; i < block.count; i += kWidth)
      to_lanes(p.A + (block.channel + i) * N, block.count - i, N, kLog2e, block.A + i * N);
    for (int64_t s = p.path.sequences * part / parts; s < p.path.sequences * (part + 1) / parts; ++s)
      scan_sequence(p, block, s);
  });
  return {};
}

}  // namespace

const Op<SelectiveScanParams> selective_scan = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
