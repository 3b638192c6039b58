// Reductions made of a fuzzer's bytes, as the binding hands them to a model.
#pragma once
#include <fuzzer/FuzzedDataProvider.h>

#include <limits>

#include "engine/reduction.h"

namespace fuzz {

inline double draw_number(FuzzedDataProvider& bytes) {
  constexpr double kNumbers[] = {0,        1,    0.5, 0.75, 0.1, 1e-300,
                                 0.999999, -0.0, 1e9, -1.0, 2.0, std::numeric_limits<double>::quiet_NaN()};
  // The first seven are shares.
  const uint8_t choice = bytes.ConsumeIntegral<uint8_t>();
  return choice < 240 ? kNumbers[choice % 7] : kNumbers[choice % std::size(kNumbers)];
}

inline int32_t draw_int(FuzzedDataProvider& bytes, int32_t most) {
  constexpr int32_t kExtremes[] = {-1, 0x7fffffff, -0x7fffffff - 1, 0x7ffffff0, 1000};
  return bytes.ConsumeIntegral<uint8_t>() > 250 ? bytes.PickValueInArray(kExtremes)
                                                : bytes.ConsumeIntegralInRange(0, most);
}

inline skipscan::Reduction draw_reduction(FuzzedDataProvider& bytes, int32_t layers, int64_t sequences) {
  using namespace skipscan;
  Reduction r;
  for (int32_t layer = 0; layer < layers; ++layer) {
    if (bytes.ConsumeBool()) r.layers.push_back(layer);
  }
  if (bytes.ConsumeIntegral<uint8_t>() > 250) r.layers.push_back(draw_int(bytes, 5));
  for (int64_t s = 0; s < sequences; ++s) r.keep.push_back(draw_number(bytes));
  if (bytes.ConsumeIntegral<uint8_t>() > 250 && !r.keep.empty()) r.keep.pop_back();
  r.policy = ReductionPolicy(bytes.ConsumeIntegralInRange(0, 7));
  r.metric = ImportanceMetric(bytes.ConsumeIntegralInRange(0, 7));
  r.source = ImportanceSource(bytes.ConsumeIntegralInRange(0, 2));
  r.alignment = Alignment(bytes.ConsumeIntegralInRange(0, 2));
  r.conv = ConvMode(bytes.ConsumeIntegralInRange(0, 1));
  r.similarity = Similarity(bytes.ConsumeIntegralInRange(0, 2));
  r.q_hidden = draw_number(bytes);
  r.q_residual = draw_number(bytes);
  r.prune_below = draw_number(bytes);
  r.merge_above = draw_number(bytes);
  r.seed = bytes.ConsumeIntegral<uint8_t>();
  r.fuse = bytes.ConsumeBool();
  r.forward = bytes.ConsumeBool();
  for (int i = bytes.ConsumeIntegralInRange(0, 3); i > 0; --i) r.protect.push_back(draw_int(bytes, 20));
  r.protect_last = draw_int(bytes, 3);
  r.released_top = bytes.ConsumeIntegral<uint8_t>() > 240;
  return r;
}

}  // namespace fuzz
