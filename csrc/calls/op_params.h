// The params struct of each operator from its named values.
#pragma once
#include "calls/op_reader.h"
#include "ops/backend.h"

namespace skipscan {

void read(const OpReader& from, EmbeddingParams& to);
void read(const OpReader& from, LinearParams& to);
void read(const OpReader& from, RmsNormParams& to);
void read(const OpReader& from, GatedRmsNormParams& to);
void read(const OpReader& from, CausalConvParams& to);
void read(const OpReader& from, SelectiveScanParams& to);
void read(const OpReader& from, SsdScanParams& to);
void read(const OpReader& from, TokenImportanceParams& to);
void read(const OpReader& from, SelectTokensParams& to);
void read(const OpReader& from, ReduceTokensParams& to);
void read(const OpReader& from, SelectiveStateImportanceParams& to);
void read(const OpReader& from, SsdStateImportanceParams& to);
void read(const OpReader& from, TokenLogprobsParams& to);
void read(const OpReader& from, DepthwiseConv2dParams& to);
void read(const OpReader& from, ImagePatchesParams& to);
void read(const OpReader& from, ScanPathsParams& to);
void read(const OpReader& from, LayerNormParams& to);
void read(const OpReader& from, MeanRowsParams& to);
void read(const OpReader& from, AddRowsParams& to);

}  // namespace skipscan
