// The table of operators that a backend offers: all that the engine knows of it.
#pragma once
#include "ops/add_rows.h"
#include "ops/causal_conv.h"
#include "ops/depthwise_conv2d.h"
#include "ops/embedding.h"
#include "ops/gated_rms_norm.h"
#include "ops/image_patches.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/mean_rows.h"
#include "ops/reduce_tokens.h"
#include "ops/rms_norm.h"
#include "ops/scan_paths.h"
#include "ops/select_tokens.h"
#include "ops/selective_scan.h"
#include "ops/selective_state_importance.h"
#include "ops/ssd_scan.h"
#include "ops/ssd_state_importance.h"
#include "ops/token_importance.h"
#include "ops/token_logprobs.h"

namespace skipscan {

// The operators are references so that a table is a constant: nothing runs when the library is loaded, least of all
// code compiled for a processor that the machine may lack.
struct Backend {
  const char* name;       // the kernels it uses: "avx512", "avx2", "portable", "reference", "cuda"
  int32_t panel;          // rows of a weight panel (weight_matrix.h) that its products like best
  int32_t tile_rows;      // rows that a block works on at once: what caches hold, or what fills a GPU
  bool half_activations;  // activations have the dtype of the weights; else they are float32
  const Op<EmbeddingParams>& embedding;
  const Op<LinearParams>& linear;
  const Op<RmsNormParams>& rms_norm;
  const Op<GatedRmsNormParams>& gated_rms_norm;
  const Op<CausalConvParams>& causal_conv;
  const Op<SelectiveScanParams>& selective_scan;
  const Op<SsdScanParams>& ssd_scan;
  const Op<TokenImportanceParams>& token_importance;
  const Op<SelectTokensParams>& select_tokens;
  const Op<ReduceTokensParams>& reduce_tokens;
  const Op<SelectiveStateImportanceParams>& selective_state_importance;
  const Op<SsdStateImportanceParams>& ssd_state_importance;
  const Op<TokenLogprobsParams>& token_logprobs;
  const Op<DepthwiseConv2dParams>& depthwise_conv2d;
  const Op<ImagePatchesParams>& image_patches;
  const Op<ScanPathsParams>& scan_paths;
  const Op<LayerNormParams>& layer_norm;
  const Op<MeanRowsParams>& mean_rows;
  const Op<AddRowsParams>& add_rows;
};

}  // namespace skipscan
