// What an operator has to do at the least, by its params alone: with what a machine can do, the floor of its time. Arithmetic
// that only some algorithms need is not counted, and neither is moving what fits in a cache twice: every input is read once,
// every output written once. What depends on the content of tensors is left out.
#pragma once
#include <string>

namespace skipscan {

struct Work {
  std::string name;     // the operator; of a product with the shape of its weights, as "linear 768x3072", inputs first
  double flops;         // float32 operations, a multiply-add counted as two
  double bytes;         // read and written
  double exponentials;  // and logarithms, which cost the same; not among the flops
};

struct AddRowsParams;
struct CausalConvParams;
struct DepthwiseConv2dParams;
struct EmbeddingParams;
struct GatedRmsNormParams;
struct ImagePatchesParams;
struct LayerNormParams;
struct LinearParams;
struct MeanRowsParams;
struct ReduceTokensParams;
struct RmsNormParams;
struct ScanPathsParams;
struct SelectTokensParams;
struct SelectiveScanParams;
struct SelectiveStateImportanceParams;
struct SsdScanParams;
struct SsdStateImportanceParams;
struct TokenImportanceParams;
struct TokenLogprobsParams;

Work work_of(const AddRowsParams&);
Work work_of(const CausalConvParams&);
Work work_of(const DepthwiseConv2dParams&);
Work work_of(const EmbeddingParams&);
Work work_of(const GatedRmsNormParams&);
Work work_of(const ImagePatchesParams&);
Work work_of(const LayerNormParams&);
Work work_of(const LinearParams&);
Work work_of(const MeanRowsParams&);
Work work_of(const ReduceTokensParams&);
Work work_of(const RmsNormParams&);
Work work_of(const ScanPathsParams&);
Work work_of(const SelectTokensParams&);
Work work_of(const SelectiveScanParams&);
Work work_of(const SelectiveStateImportanceParams&);
Work work_of(const SsdScanParams&);
Work work_of(const SsdStateImportanceParams&);
Work work_of(const TokenImportanceParams&);
Work work_of(const TokenLogprobsParams&);

}  // namespace skipscan
