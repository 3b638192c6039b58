// Loops that run into one limit of the processor each, and no other.
#include "cpu/probes.h"

#include "cpu/kernels.h"
#include "cpu/tables.h"

namespace skipscan::cpu::SKIPSCAN_ISA {
namespace {

constexpr int kChains =
    12;  // more than the latency of a multiply-add times the number of its pipes, and all in registers

float multiply_adds(int64_t rounds) {
  Vec chains[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) chains[i] = set1(float(i));
  const Vec factor = set1(0.5f), term = set1(1.f);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chains[i] = fma(chains[i], factor, term);
  }
  Vec total = set1(0);
  for (int i = 0; i < kChains; ++i) total = total + chains[i];
  return sum(total);
}

void exponentials(const float* from, float* to, int64_t count) {
#pragma GCC unroll 4
  for (int64_t i = 0; i < count; i += kWidth) store(to + i, exp2(load(from + i)));
}

float read(const float* from, int64_t count) {
  constexpr int kSums = 8;
  Vec sums[kSums];
#pragma GCC unroll 8
  for (int i = 0; i < kSums; ++i) sums[i] = set1(0);
  for (int64_t at = 0; at < count; at += kSums * kWidth) {
#pragma GCC unroll 8
    for (int i = 0; i < kSums; ++i) sums[i] = sums[i] + load(from + at + i * kWidth);
  }
  Vec total = set1(0);
  for (int i = 0; i < kSums; ++i) total = total + sums[i];
  return sum(total);
}

}  // namespace

constinit const Probes probes = {
    .round_flops = int64_t(2) * kChains * kWidth,
    .multiply_adds = multiply_adds,
    .exponentials = exponentials,
    .read = read,
};

}  // namespace skipscan::cpu::SKIPSCAN_ISA
