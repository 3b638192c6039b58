// Paths over a grid: first the row at every position, then a task for each direction of each sequence, which walks along the
// whole path and notes the steps that have a row.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

void find_rows(const ScanPathsParams& p) {
  memset(p.row_at, 0xff, size_t(p.places) * size_t(p.sequences) * sizeof(int32_t));  // -1
  for (int32_t s = 0; s < p.sequences; ++s)
    for (int32_t row = p.offsets[s]; row < p.offsets[s + 1]; ++row)
      p.row_at[int64_t(p.positions[row]) * p.sequences + s] = row;
}

void walk(const ScanPathsParams& p, int64_t direction, int64_t sequence) {
  const int32_t* order = p.orders + direction * p.places;
  const int32_t* labels = p.labels ? p.labels + direction * p.places : nullptr;
  int64_t k = direction * p.rows + p.offsets[sequence];
  const int64_t end = direction * p.rows + p.offsets[sequence + 1];
  for (int32_t rank = 0, before = -1; k < end && rank < p.places; ++rank) {
    const int32_t row = p.row_at[int64_t(order[rank]) * p.sequences + sequence];
    if (row < 0) continue;
    p.index[k] = row;
    p.gap[k] = rank - before;
    if (labels) p.label[k] = labels[rank];
    before = rank;
    ++k;
  }
}

Status run(const ScanPathsParams& p, ExecContext& ctx) {
  ctx.route = kIsa;
  find_rows(p);
  ctx.pool.parallel_for(int64_t(p.directions) * p.sequences,
                        [&](int64_t task, int) { walk(p, task / p.sequences, task % p.sequences); });
  return {};
}

}  // namespace

const Op<ScanPathsParams> scan_paths = {supports_all, run};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
