#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

// The row of a sequence at this position; -1 where there is none.
int32_t find_row(const ScanPathsParams& p, int32_t sequence, int32_t position) {
  for (int32_t row = p.offsets[sequence]; row < p.offsets[sequence + 1]; ++row)
    if (p.positions[row] == position) return row;
  return -1;
}

void walk(const ScanPathsParams& p, int32_t direction, int32_t sequence) {
  int64_t k = direction * p.rows + p.offsets[sequence];
  int32_t before = -1;
  for (int32_t rank = 0; rank < p.places; ++rank) {
    const int64_t at = int64_t(direction) * p.places + rank;
    const int32_t row = find_row(p, sequence, p.orders[at]);
    if (row < 0) continue;
    p.index[k] = row;
    p.gap[k] = rank - before;
    if (p.labels) p.label[k] = p.labels[at];
    before = rank;
    ++k;
  }
}

Status run(const ScanPathsParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int32_t s = 0; s < p.sequences; ++s) {
    for (int32_t place = 0; place < p.places; ++place)
      p.row_at[int64_t(place) * p.sequences + s] = find_row(p, s, place);
    for (int32_t d = 0; d < p.directions; ++d) walk(p, d, s);
  }
  return {};
}

}  // namespace

const Op<ScanPathsParams> scan_paths = {supports_all, run};

}  // namespace skipscan::cpu::reference
