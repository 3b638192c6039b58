// The operators that the files of this folder define, once for each instruction set: `extern const` pairs of
// supports and run.
#pragma once
#include "cpu/simd.h"
#include "ops/backend.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

constexpr int32_t kPanel = 2 * kWidth;  // two vectors of outputs for every broadcast input (linear.cc)

extern const Op<EmbeddingParams> embedding;
extern const Op<LinearParams> linear;
extern const Op<LinearParams> linear_amx;  // of avx512 alone
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

// A kernel that takes everything its params can say.
template <class Params>
Support supports_all(const Params&) {
  return {};
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
