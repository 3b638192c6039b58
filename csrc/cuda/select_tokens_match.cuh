// The similarities of select_tokens: a product of the features of two sets of rows, of which only the best destination of each
// source stays. What measures norms and what multiplies tiles is a `form`: in float32 arithmetic (select_tokens_fma.cuh) or on
// tensor cores (select_tokens_tensor.cuh). Both sum products in blocks of kDepth channels, in order within a block, then block
// after block, and squared norms in the same way, so that the cosine of two equal rows is exactly 1.
#pragma once
#include "cuda/elements.cuh"
#include "cuda/fault.cuh"
#include "cuda/select_tokens_state.cuh"

namespace skipscan::cuda {

constexpr int kDepth = 256;

// ---- norms

constexpr int kNormWarps = 8;

// The squared norm of a row is square / scale^2, where the scale is a power of two that brings the square near 1, so that no
// product of two leaves the range of float32; a zero row has scale 0.
__device__ inline void normalise(float& square, float& scale) {
  scale = 0;
  if (square == 0 || !is_finite(square)) {
    square = 1;
    return;
  }
  int exponent;
  frexpf(square, &exponent);
  exponent /= 2;
  square = ldexpf(square, -2 * exponent);
  scale = ldexpf(1, -exponent);
}

// Which rows are compared: destinations, then sources. -1 beyond them.
__device__ inline int compared_row(const SelectState& w, int s, int begin, int i) {
  const int destinations = w.destination_counts[s], sources = w.source_counts[s];
  if (i < destinations) return w.destinations[begin + i];
  return i - destinations < sources ? w.sources[begin + i - destinations] : -1;
}

// The squared norms of all rows that are compared. A block has 32 rows, each warp a block of channels of them; `form` adds its
// squares up.  grid: (sequences * tiles of 32 rows)
template <class Form>
__global__ void __launch_bounds__(kNormWarps* kWarp, 4)
    select_norms(SelectTokensParams p, SelectState w, unsigned long long* fault, Form form, int tiles) {
  const int s = int(blockIdx.x) / tiles, begin = p.offsets[s], first = int(blockIdx.x) % tiles * kWarp;
  if (first >= w.destination_counts[s] + w.source_counts[s]) return;
  SKIPSCAN_SHARED(float, sums, [kNormWarps][kWarp]);
  const int lane = lane_index(), row = compared_row(w, s, begin, first + lane);
  float square = 0;
  for (int64_t c = 0; c < p.dim; c += kNormWarps * kDepth) {
    sums[warp_index()][lane] = form.squares(row, c + warp_index() * kDepth);
    __syncthreads();
    for (int i = 0; i < kNormWarps && c + i * kDepth < p.dim; ++i) square += sums[i][lane];
    __syncthreads();
  }
  if (warp_index() > 0 || row < 0) return;
  if (!is_finite(square) && w.bad_scores[s] == 0) report_fault(fault, p.layer, FaultKind::features, row, square);
  normalise(square, w.scales[row]);
  w.squares[row] = square;
}

// ---- matches

constexpr int kTileSources = 128, kTileDestinations = 64, kTileThreads = 128, kLaneProducts = 8;

// What a block multiplies.
struct MatchTile {
  const int32_t *sources, *destinations;  // of the tile
  int source_count, destination_count;    // as many as there are, from there on
  RankKey* matches;                       // of the sources

  __device__ MatchTile(const SelectState& w, int s, int begin, int source, int destination)
      : sources(w.sources + begin + source),
        destinations(w.destinations + begin + destination),
        source_count(w.source_counts[s] - source),
        destination_count(w.destination_counts[s] - destination),
        matches(w.matches + begin + source) {}

  // Whether there is a pair in it that may match: not where all destinations are before the first source.
  __device__ bool has_pairs(bool forward) const {
    if (source_count <= 0 || destination_count <= 0) return false;
    return !forward || destinations[min(destination_count, kTileDestinations) - 1] > sources[0];
  }
  __device__ int source(int i) const { return i < source_count ? sources[i] : -1; }
  __device__ int destination(int j) const { return j < destination_count ? destinations[j] : -1; }
};

// The products that one thread has: those of sources source_at(i) and destinations destination_at(j) of the tile.
using LaneProducts = float[kLaneProducts][kLaneProducts];

// Turns products into cosines and keeps the best for each source. kLanes neighbouring lanes have the same sources.
template <int kLanes, class SourceAt, class DestinationAt>
__device__ inline void keep_best(const SelectState& w, const MatchTile& tile, bool forward, const LaneProducts& dots,
                                 const SourceAt& source_at, const DestinationAt& destination_at) {
  RankKey best[kLaneProducts];
#pragma unroll
  for (int i = 0; i < kLaneProducts; ++i) best[i] = 0;
#pragma unroll
  for (int j = 0; j < kLaneProducts; ++j) {
    const int destination = tile.destination(destination_at(j));
    const float square = destination < 0 ? 1 : w.squares[destination],
                scale = destination < 0 ? 0 : w.scales[destination];
#pragma unroll
    for (int i = 0; i < kLaneProducts; ++i) {
      const int source = tile.source(source_at(i));
      if (source < 0 || destination < 0 || (forward && destination < source)) continue;
      const float cosine = dots[i][j] * w.scales[source] * scale / sqrtf(w.squares[source] * square);
      if (!(cosine > -INFINITY)) continue;
      const RankKey key = match_key(cosine, destination);
      best[i] = key > best[i] ? key : best[i];
    }
  }
#pragma unroll
  for (int i = 0; i < kLaneProducts; ++i) {
#pragma unroll
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
      const RankKey other = __shfl_xor_sync(kAllLanes, best[i], distance);
      best[i] = other > best[i] ? other : best[i];
    }
    if (lane_index() % kLanes == 0 && best[i] != 0) atomicMax(&tile.matches[source_at(i)], best[i]);
  }
}

__device__ inline void clear(LaneProducts& sums) {
#pragma unroll
  for (int i = 0; i < kLaneProducts; ++i) {
#pragma unroll
    for (int j = 0; j < kLaneProducts; ++j) sums[i][j] = 0;
  }
}
__device__ inline void add(LaneProducts& total, const LaneProducts& sums) {
#pragma unroll
  for (int i = 0; i < kLaneProducts; ++i) {
#pragma unroll
    for (int j = 0; j < kLaneProducts; ++j) total[i][j] += sums[i][j];
  }
}

// grid: (sequences * tiles of kTileSources sources, tiles of kTileDestinations destinations)
template <class Form>
__global__ void __launch_bounds__(kTileThreads)
    select_similarity(const int32_t* offsets, SelectState w, Form form, bool forward, int tiles) {
  const int s = int(blockIdx.x) / tiles;
  const MatchTile tile(w, s, offsets[s], int(blockIdx.x) % tiles * kTileSources, int(blockIdx.y) * kTileDestinations);
  if (tile.has_pairs(forward)) form.match(w, tile, forward);
}

template <class Form>
Status match(Stream& stream, const SelectTokensParams& p, const SelectState& w, const Form& form) {
  const int row_tiles = int(div_up(p.longest, kWarp));
  SKIPSCAN_TRY(launch(stream, select_norms<Form>, dim3(unsigned(p.sequences * row_tiles)), dim3(kNormWarps * kWarp), 0,
                      p, w, stream.fault(), form, row_tiles));
  // A set has half of a sequence's rows at most, rounded up.
  const int64_t half = div_up(p.longest, 2);
  const int tiles = int(div_up(half, kTileSources));
  const dim3 grid(unsigned(p.sequences * tiles), unsigned(div_up(half, kTileDestinations)));
  return launch(stream, select_similarity<Form>, grid, dim3(kTileThreads), 0, p.offsets, w, form, p.forward, tiles);
}

}  // namespace skipscan::cuda
