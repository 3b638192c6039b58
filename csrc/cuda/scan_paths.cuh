// Paths over a grid: the row at every position, which a thread each searches for among the rising positions of its sequence; then
// a block for each direction of each sequence walks along the whole path, a tile at a time, and numbers the steps that have a row.
// Floor in bytes for each direction: 12 for every row, 4 (8 with labels) for every place; far less than a launch takes.
#pragma once
#include "cuda/reduce.cuh"
#include "ops/scan_paths.h"

namespace skipscan::cuda {

constexpr int kPathThreads = 256;

// Grid (blocks of row_at).
__global__ void __launch_bounds__(kPathThreads) paths_find_rows(ScanPathsParams p) {
  const int64_t i = int64_t(blockIdx.x) * kPathThreads + threadIdx.x;
  if (i >= int64_t(p.places) * p.sequences) return;
  const int position = int(i / p.sequences), s = int(i % p.sequences);
  const int end = p.offsets[s + 1];
  int row = p.offsets[s];  // the first one at this position or behind it
  for (int high = end; row < high;) {
    const int middle = row + (high - row) / 2;
    if (p.positions[middle] < position) {
      row = middle + 1;
    } else {
      high = middle;
    }
  }
  p.row_at[i] = row < end && p.positions[row] == position ? row : -1;
}

// Grid (sequences, directions).
__global__ void __launch_bounds__(kPathThreads) paths_walk(ScanPathsParams p) {
  SKIPSCAN_SHARED(int, ranks, [kPathThreads]);  // of the steps of a tile
  const int s = int(blockIdx.x);
  const int64_t whole = int64_t(blockIdx.y) * p.places;
  int64_t first_step = int64_t(blockIdx.y) * p.rows + p.offsets[s];
  int before = -1;  // the rank of the last step of earlier tiles
  for (int first = 0; first < p.places; first += kPathThreads) {
    const int rank = first + int(threadIdx.x);
    const int row = rank < p.places ? p.row_at[int64_t(p.orders[whole + rank]) * p.sequences + s] : -1;
    int steps;
    const int step = block_prefix(row >= 0, steps);  // its barriers keep this tile's ranks from the last one's
    if (row >= 0) ranks[step] = rank;
    __syncthreads();
    if (row >= 0) {
      p.index[first_step + step] = row;
      p.gap[first_step + step] = rank - (step > 0 ? ranks[step - 1] : before);
      if (p.labels) p.label[first_step + step] = p.labels[whole + rank];
    }
    if (steps > 0) before = ranks[steps - 1];
    first_step += steps;
  }
}

}  // namespace skipscan::cuda
