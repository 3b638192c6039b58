// Log-probabilities of tokens and the likeliest token. A block for each row, which is read once: every thread keeps the
// largest element that it has met, and the sum of the exponentials relative to that.
// Floor: 4 bytes and one exponential for each element.
#pragma once
#include "cuda/reduce.cuh"
#include "cuda/rows.cuh"
#include "ops/token_logprobs.h"

namespace skipscan::cuda {

constexpr int kLogprobThreads = 1024;
constexpr int kNoToken = 0x7fffffff;

// What a thread has met of its row.
struct Likeliest {
  float largest = -INFINITY;
  float sum = 0;      // of exp(v - largest)
  int at = kNoToken;  // the first of the largest; -1 once there is no right answer

  template <int kPack>
  __device__ void add(const Pack<float, kPack>& v, int64_t c, bool sums) {
    float most = v[0];
#pragma unroll
    for (int j = 1; j < kPack; ++j) most = fmaxf(most, v[j]);
    bool wrong = false;
#pragma unroll
    for (int j = 0; j < kPack; ++j) wrong |= !(v[j] < INFINITY);
    if (most > largest) {
      if (sums) sum *= fast_exp2(kLog2e * (largest - most));
      largest = most;
      if (at >= 0) {
#pragma unroll
        for (int j = kPack - 1; j >= 0; --j) {
          if (v[j] == most) at = int(c) + j;
        }
      }
    }
    if (wrong) at = -1;
    if (!sums || at == kNoToken) return;  // all were -Infinity, which has no distance to itself
#pragma unroll
    for (int j = 0; j < kPack; ++j) sum += fast_exp2(kLog2e * (v[j] - largest));
  }
};

template <int kPack>
__global__ void __launch_bounds__(kLogprobThreads) token_logprobs_kernel(TokenLogprobsParams p) {
  const int64_t row = blockIdx.x;
  const float* logits = p.logits + row * p.logits_stride;
  Likeliest mine;
  constexpr int kBatch = 4;
  Pack<float, kPack> v[kBatch];
  for_batches<kPack, kBatch>(
      p.vocabulary, [&](int64_t c, int i) { v[i] = load_pack<float, kPack>(logits + c); },
      [&](int64_t c, int i) { mine.add<kPack>(v[i], c, p.logprobs); });
  const float largest = block_max(mine.largest);
  const int at = block_min(mine.at < 0 || mine.largest == largest ? mine.at : kNoToken);
  const int best = at == kNoToken ? -1 : at;
  if (threadIdx.x == 0 && p.best) p.best[row] = best;
  if (!p.logprobs) return;
  const float sum = block_sum(mine.sum > 0 ? mine.sum * fast_exp2(kLog2e * (mine.largest - largest)) : 0);
  if (threadIdx.x > 0) return;
  const int token = p.tokens[row];
  const bool answered = best >= 0 && token >= 0 && token < p.vocabulary;
  p.logprobs[row] = answered ? logits[token] - largest - logf(sum) : NAN;
}

}  // namespace skipscan::cuda
