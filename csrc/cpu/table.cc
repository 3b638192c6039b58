// The operator table of one instruction set.
#include "cpu/kernels.h"
#include "cpu/tables.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

namespace {

constexpr Backend table(const char* name, const Op<LinearParams>& linear) {
  return {
      .name = name,
      .panel = kPanel,
      .tile_rows = kTileRows,
      .half_activations = false,
      .embedding = embedding,
      .linear = linear,
      .rms_norm = rms_norm,
      .gated_rms_norm = gated_rms_norm,
      .causal_conv = causal_conv,
      .selective_scan = selective_scan,
      .ssd_scan = ssd_scan,
      .token_importance = token_importance,
      .select_tokens = select_tokens,
      .reduce_tokens = reduce_tokens,
      .selective_state_importance = selective_state_importance,
      .ssd_state_importance = ssd_state_importance,
      .token_logprobs = token_logprobs,
      .depthwise_conv2d = depthwise_conv2d,
      .image_patches = image_patches,
      .scan_paths = scan_paths,
      .layer_norm = layer_norm,
      .mean_rows = mean_rows,
      .add_rows = add_rows,
  };
}

}  // namespace

constinit const Backend backend = table(kIsa, linear);
#if defined(__AVX512F__)
constinit const Backend amx_backend = table("amx", linear_amx);
#endif

}  // namespace skipscan::cpu::SKIPSCAN_ISA
