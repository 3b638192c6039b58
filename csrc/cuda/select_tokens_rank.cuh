// Ranks by counting: the rank of an item is how many others of its sequence come before it. Every pair is compared, which is
// all parallel work: n^2 comparisons of 3 instructions, 4 microseconds' worth of arithmetic for 4096 items on an H200 and half a
// millisecond for 65536, where the products of the features take a hundred times as long.
#pragma once
#include "cuda/select_tokens_state.cuh"

namespace skipscan::cuda {

constexpr int kRankThreads = 256, kRankChunk = 1024;

// What is ranked of each sequence.
struct CandidateKeys {
  static __device__ int count(const SelectState& w, int s) { return w.candidate_counts[s]; }
  static __device__ RankKey key(const SelectState& w, int begin, int i) { return w.keys[begin + i]; }
  static __device__ int32_t* ranks(const SelectState& w) { return w.ranks; }
};
// The closest first, those without a match last; of equally close ones the earlier source first.
struct MatchKeys {
  static __device__ int count(const SelectState& w, int s) { return w.source_counts[s]; }
  static __device__ RankKey key(const SelectState& w, int begin, int i) {
    return rank_key(~unsigned(w.matches[begin + i] >> 32), i);
  }
  static __device__ int32_t* ranks(const SelectState& w) { return w.match_ranks; }
};

// Adds to ranks that start at 0. grid: (sequences * tiles of kRankThreads items, chunks of kRankChunk others)
template <class Keys>
__global__ void __launch_bounds__(kRankThreads) select_rank(const int32_t* offsets, SelectState w, int tiles) {
  const int s = int(blockIdx.x) / tiles, begin = offsets[s], count = Keys::count(w, s);
  const int first = int(blockIdx.x) % tiles * kRankThreads, chunk = int(blockIdx.y) * kRankChunk;
  if (first >= count || chunk >= count) return;
  SKIPSCAN_SHARED(RankKey, others, [kRankChunk]);
  for (int i = int(threadIdx.x); i < kRankChunk; i += kRankThreads) {
    others[i] = chunk + i < count ? Keys::key(w, begin, chunk + i) : ~RankKey(0);
  }
  __syncthreads();
  const int item = first + int(threadIdx.x);
  if (item >= count) return;
  const RankKey own = Keys::key(w, begin, item);
  const int end = count - chunk < kRankChunk ? count - chunk : kRankChunk;
  int before = 0;
#pragma unroll 8
  for (int i = 0; i < (end + 7) / 8 * 8; ++i) before += others[i] < own;
  atomicAdd(&Keys::ranks(w)[begin + item], before);
}

template <class Keys>
Status rank(Stream& stream, const SelectTokensParams& p, const SelectState& w) {
  const int tiles = int(div_up(p.longest, kRankThreads));
  const dim3 grid(unsigned(p.sequences * tiles), unsigned(div_up(p.longest, kRankChunk)));
  return launch(stream, select_rank<Keys>, grid, dim3(kRankThreads), 0, p.offsets, w, tiles);
}

}  // namespace skipscan::cuda
