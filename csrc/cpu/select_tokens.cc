// The similarities of token selection: a matrix product of the two half-sets, block by block, that keeps the best destination
// of each source and nothing else. Destinations are packed in blocks that all threads share; a task is a block of sources
// against one of these. Every product is summed in one order, whatever else is in the block: within kDepth in a register,
// then block after block.
#include "cpu/gemm.h"
#include "cpu/selection.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int64_t kDepth = 256;
constexpr int64_t kRowStride = kDepth + 16;  // an odd number of cache lines: rows spread over the cache's sets
constexpr int64_t kBlockSources = 112;
static_assert(kBlockDestinations % kPanel == 0);

// Copies channels [c, c + depth) of some rows, kRowStride apart.
void copy_rows(const SelectTokensParams& p, const int32_t* rows, int64_t count, int64_t c, int64_t depth, float* out) {
  for (int64_t i = 0; i < count; ++i, out += kRowStride) {
    const int64_t at = rows[i] * p.dim + c;
    const float *features = p.features + at, *added = p.added_features ? p.added_features + at : nullptr;
    for (int64_t k = 0; k < depth; k += kWidth) {
      const Vec v = load_some(features + k, depth - k);
      store_some(out + k, added ? v + load_some(added + k, depth - k) : v, depth - k);
    }
  }
}

// The same with kPanel rows or less in the columns: out[k * kPanel + i] is channel c + k of rows[i].
void pack_rows(const SelectTokensParams& p, const int32_t* rows, int64_t count, int64_t c, int64_t depth, float* copy,
               float* out) {
  copy_rows(p, rows, count, c, depth, copy);
  transpose(copy, kRowStride, count, depth, out, kPanel);
}

void squared_norms(const SelectTokensParams& p, const int32_t* rows, int64_t count, float* squares, ThreadPool& pool) {
  pool.reserve_scratch(size_t(kPanel * (kRowStride + kDepth)) * sizeof(float));
  pool.parallel_for(ceil_div(count, kPanel), [&](int64_t task, int worker) {
    float *copy = pool.scratch<float>(worker), *panel = copy + kPanel * kRowStride;
    const int64_t first = task * kPanel, n = min(count - first, kPanel);
    Vec total[2] = {set1(0), set1(0)};
    for (int64_t c = 0; c < p.dim; c += kDepth) {
      const int64_t depth = min(p.dim - c, kDepth);
      pack_rows(p, rows + first, n, c, depth, copy, panel);
      Vec sum[2] = {set1(0), set1(0)};
      for (int64_t k = 0; k < depth; ++k)
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j) {
          const Vec v = load(panel + k * kPanel + j * kWidth);
          sum[j] = fma(v, v, sum[j]);
        }
      for (int j = 0; j < 2; ++j) total[j] = total[j] + sum[j];
    }
    for (int j = 0; j < 2 && j * kWidth < n; ++j) store_some(squares + first + j * kWidth, total[j], n - j * kWidth);
  });
}

// dots[i][.] = or += a[i] . b[.] over one block of channels, for a tile of M rows and a panel; rows are kBlockDestinations apart.
template <int M>
void multiply_tile(const float* a, const float* b, int64_t depth, bool add, float* dots) {
  Vec acc[M][2];
  clear(acc);
  multiply_add<M, 1>(acc, a, kRowStride, b, kPanel, 0, depth);
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i, dots += kBlockDestinations)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) store(dots + j * kWidth, add ? load(dots + j * kWidth) + acc[i][j] : acc[i][j]);
}

// The products of some sources with a packed block of destinations.
void multiply(const SelectTokensParams& p, const HalfSet& sources, const float* packed, int64_t panels, float* copy,
              float* dots) {
  const int64_t tiles = ceil_div(sources.count, kTileRows);
  for (int64_t c = 0; c < p.dim; c += kDepth) {
    const int64_t depth = min(p.dim - c, kDepth);
    copy_rows(p, sources.rows, sources.count, c, depth, copy);
    for (int64_t q = 0; q < panels; ++q) {
      const float* panel = packed + (q * p.dim + c) * kPanel;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t first = sources.count * t / tiles, end = sources.count * (t + 1) / tiles;
        float *a = copy + first * kRowStride, *to = dots + first * kBlockDestinations + q * kPanel;
        with_rows(end - first, [&](auto m) { multiply_tile<m.count>(a, panel, depth, c > 0, to); });
      }
    }
  }
}

// Turns the products of source i into cosines and keeps the largest.
void update_match(const SelectTokensParams& p, const HalfSet& sources, int64_t i, const HalfSet& destinations,
                  float* dots, const Matches& matches) {
  const Vec scale = set1(sources.scales[i]), square = set1(sources.squares[i]);
  for (int64_t j = 0; j < destinations.count; j += kWidth) {
    const int64_t n = destinations.count - j;
    const Vec dot = load(dots + j) * scale * load_some(destinations.scales + j, n);
    store(dots + j, dot / sqrt(square * load_some(destinations.squares + j, n)));
  }
  int64_t j = 0;
  if (p.forward)
    while (j < destinations.count && destinations.rows[j] < sources.rows[i]) ++j;
  for (; j < destinations.count; ++j) {
    if (!(dots[j] > matches.cosines[i])) continue;
    matches.cosines[i] = dots[j];
    matches.destinations[i] = destinations.rows[j];
  }
}

void match_block(const SelectTokensParams& p, const HalfSet& sources, const HalfSet& destinations, float* packed,
                 const Matches& matches, ThreadPool& pool) {
  const int64_t panels = ceil_div(destinations.count, kPanel);
  pool.parallel_for(panels, [&](int64_t q, int worker) {
    const int64_t first = q * kPanel, n = min(destinations.count - first, kPanel);
    for (int64_t c = 0; c < p.dim; c += kDepth) {
      float* panel = packed + (q * p.dim + c) * kPanel;
      pack_rows(p, destinations.rows + first, n, c, min(p.dim - c, kDepth), pool.scratch<float>(worker), panel);
    }
  });
  // As many tasks for every thread.
  const int64_t threads = pool.threads();
  const int64_t tasks = ceil_div(ceil_div(sources.count, kBlockSources), threads) * threads;
  pool.parallel_for(tasks, [&](int64_t task, int worker) {
    const int64_t first = sources.count * task / tasks, end = sources.count * (task + 1) / tasks;
    const HalfSet part = sources.part(first, end - first);
    if (part.count == 0 || (p.forward && part.rows[0] > destinations.rows[destinations.count - 1])) return;
    float *copy = pool.scratch<float>(worker), *dots = copy + kBlockSources * kRowStride;
    multiply(p, part, packed, panels, copy, dots);
    for (int64_t i = 0; i < part.count; ++i)
      update_match(p, part, i, destinations, dots + i * kBlockDestinations,
                   {matches.cosines + first, matches.destinations + first});
  });
}

void match(const SelectTokensParams& p, const HalfSet& sources, const HalfSet& destinations, float* workspace,
           const Matches& matches, ThreadPool& pool) {
  pool.reserve_scratch(size_t(kBlockSources * (kRowStride + kBlockDestinations)) * sizeof(float));
  for (int64_t first = 0; first < destinations.count; first += kBlockDestinations) {
    const HalfSet part = destinations.part(first, min(destinations.count - first, kBlockDestinations));
    match_block(p, sources, part, workspace, matches, pool);
  }
}

Status run(const SelectTokensParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  return cpu::select_tokens(p, {squared_norms, match}, ctx.pool);
}

}  // namespace

const Op<SelectTokensParams> select_tokens = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
