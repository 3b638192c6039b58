// What the operators mean. Every file of this folder is one operator in plain loops: double precision, one thread, no
// thought for speed. The other backends are tested against it, so it is written to be read.
#pragma once
#include <cmath>

#include "core/scan_path.h"
#include "ops/backend.h"

namespace skipscan::cpu::reference {

extern const Op<EmbeddingParams> embedding;
extern const Op<LinearParams> linear;
extern const Op<RmsNormParams> rms_norm;
extern const Op<GatedRmsNormParams> gated_rms_norm;
extern const Op<CausalConvParams> causal_conv;
extern const Op<SelectiveScanParams> selective_scan;
extern const Op<SsdScanParams> ssd_scan;
extern const Op<TokenImportanceParams> token_importance;
extern const Op<SelectTokensParams> select_tokens;
extern const Op<ReduceTokensParams> reduce_tokens;
extern const Op<SelectiveStateImportanceParams> selective_state_importance;
extern const Op<SsdStateImportanceParams> ssd_state_importance;
extern const Op<TokenLogprobsParams> token_logprobs;
extern const Op<DepthwiseConv2dParams> depthwise_conv2d;
extern const Op<ImagePatchesParams> image_patches;
extern const Op<ScanPathsParams> scan_paths;
extern const Op<LayerNormParams> layer_norm;
extern const Op<MeanRowsParams> mean_rows;
extern const Op<AddRowsParams> add_rows;

constexpr const char* kRoute = "reference";

template <class Params>
Support supports_all(const Params&) {
  return {};
}

inline double silu(double x) { return x / (1 + std::exp(-x)); }

// log(1 + e^x) without overflow
inline double softplus(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

// The 2-norm.
inline double norm(const float* v, int64_t size) {
  double squares = 0;
  for (int64_t i = 0; i < size; ++i) squares += double(v[i]) * v[i];
  return std::sqrt(squares);
}

// The time that passes over the state in one step (docs/reduction.md, section 2). dt_before is the dt of the step
// before, or dt itself at a sequence's first step; skipped_dt is looked at only for Alignment::own.
inline double decay_time(Alignment alignment, double dt, double dt_before, int32_t gap, double skipped_dt) {
  switch (alignment) {
    case Alignment::none: return dt;
    case Alignment::next: return gap * dt;
    case Alignment::previous: return dt + (gap - 1) * dt_before;
    case Alignment::own: return dt + skipped_dt;
  }
  return dt;
}

// Element (r, c) of a weight matrix.
inline double element(const WeightMatrix& w, int64_t r, int64_t c) {
  const std::byte* at = static_cast<const std::byte*>(w.data) + w.at(r, c);
  switch (w.dtype) {
    case DType::bf16: return to_float(*reinterpret_cast<const bf16*>(at));
    case DType::f16: return to_float(*reinterpret_cast<const f16*>(at));
    case DType::i8: {
      const auto* scale = static_cast<const std::byte*>(w.data) + w.scale_at(r, c);
      return double(*reinterpret_cast<const float*>(scale)) * *reinterpret_cast<const int8_t*>(at);
    }
    default: return *reinterpret_cast<const float*>(at);
  }
}

}  // namespace skipscan::cpu::reference
