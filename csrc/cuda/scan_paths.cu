// Paths over a grid: two kernels, whatever the grid is.
#include "cuda/scan_paths.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const ScanPathsParams&) { return {}; }

Status run(const ScanPathsParams& p, ExecContext& ctx) {
  ctx.route = "cuda/tiles";
  const dim3 threads(kPathThreads);
  const dim3 places(unsigned(div_up(int64_t(p.places) * p.sequences, kPathThreads)));
  SKIPSCAN_TRY(launch(*ctx.stream, paths_find_rows, places, threads, 0, p));
  return launch(*ctx.stream, paths_walk, dim3(unsigned(p.sequences), unsigned(p.directions)), threads, 0, p);
}

}  // namespace

const Op<ScanPathsParams> scan_paths = {supports, run};

}  // namespace skipscan::cuda
