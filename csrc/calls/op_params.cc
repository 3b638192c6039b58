#include "calls/op_params.h"

namespace skipscan {
namespace {

ImportanceMetric read_metric(const OpReader& p) {
  return p.choice<ImportanceMetric>("metric", {{"clip", ImportanceMetric::clip},
                                               {"l1", ImportanceMetric::l1},
                                               {"l2", ImportanceMetric::l2},
                                               {"sum", ImportanceMetric::sum}});
}

}  // namespace

void read(const OpReader& p, EmbeddingParams& to) {
  const int64_t rows = p.size("rows"), dim = p.size("dim");
  const WeightMatrix table = p.matrix("table", p.size("vocabulary"), dim);
  to = {.ids = p.indices("ids", rows, table.rows),
        .table = table,
        .out = p.activations("out", {rows, dim}),
        .rows = rows};
}

void read(const OpReader& p, LinearParams& to) {
  const int64_t rows = p.size("rows"), inputs = p.size("inputs"), outputs = p.size("outputs");
  to = {.x = p.rows("x", rows, inputs),
        .weight = p.matrix("weight", outputs, inputs),
        .bias = p.optional("bias", {outputs}),
        .y = p.rows("y", rows, outputs),
        .rows = rows,
        .x_stride = p.stride("x", inputs),
        .y_stride = p.stride("y", outputs)};
}

void read(const OpReader& p, RmsNormParams& to) {
  const int64_t rows = p.size("rows"), dim = p.size("dim"), input_rows = p.has("index") ? p.size("inputRows") : rows;
  to = {.x = p.activations("x", {input_rows, dim}),
        .residual_in = p.optional("residualIn", {input_rows, dim}),
        .weight = p.tensor("weight", {dim}),
        .residual_out = p.optional("residualOut", {rows, dim}),
        .out = p.activations("out", {rows, dim}),
        .rows = rows,
        .dim = dim,
        .eps = p.real("eps"),
        .index = p.has("index") ? p.indices("index", rows, input_rows) : nullptr};
}

void read(const OpReader& p, GatedRmsNormParams& to) {
  const int64_t rows = p.size("rows"), dim = p.size("dim"), group_size = p.size("groupSize");
  p.check_divides("groupSize", group_size, dim);
  to = {.y = p.activations("y", {rows, dim}),
        .z = p.rows("z", rows, dim),
        .weight = p.tensor("weight", {dim}),
        .out = p.activations("out", {rows, dim}),
        .rows = rows,
        .dim = dim,
        .z_stride = p.stride("z", dim),
        .group_size = group_size,
        .eps = p.real("eps"),
        .norm_before_gate = p.flag("normBeforeGate"),
        .importance = p.optional("importance", {rows}),
        .metric = p.has("importance") ? read_metric(p) : ImportanceMetric::clip};
}

void read(const OpReader& p, TokenLogprobsParams& to) {
  const int64_t rows = p.size("rows"), vocabulary = p.size("vocabulary");
  const bool scored = p.has("tokens");
  to = {.logits = p.float_rows("logits", rows, vocabulary),
        .tokens = scored ? p.indices("tokens", rows, vocabulary) : nullptr,
        .logprobs = scored ? p.tensor("logprobs", {rows}) : nullptr,
        .best = p.optional<int32_t>("best", {rows}),
        .rows = rows,
        .vocabulary = vocabulary,
        .logits_stride = p.stride("logits", vocabulary)};
}

void read(const OpReader& p, LayerNormParams& to) {
  const int64_t rows = p.size("rows"), dim = p.size("dim");
  to = {.x = p.activations("x", {rows, dim}),
        .residual_in = p.optional("residualIn", {rows, dim}),
        .weight = p.tensor("weight", {dim}),
        .bias = p.tensor("bias", {dim}),
        .residual_out = p.optional("residualOut", {rows, dim}),
        .out = p.activations("out", {rows, dim}),
        .rows = rows,
        .dim = dim,
        .eps = p.real("eps")};
}

void read(const OpReader& p, MeanRowsParams& to) {
  const std::vector<int32_t>& offsets = p.offsets("offsets");
  const int64_t sequences = int64_t(offsets.size()) - 1, rows = offsets.back(), dim = p.size("dim");
  int32_t longest = 0;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) longest = std::max(longest, offsets[s + 1] - offsets[s]);
  to = {.x = p.activations("x", {rows, dim}),
        .offsets = p.placed(offsets),
        .out = p.activations("out", {sequences, dim}),
        .rows = rows,
        .dim = dim,
        .sequences = int32_t(sequences),
        .longest = longest};
}

void read(const OpReader& p, AddRowsParams& to) {
  const int64_t rows = p.size("rows"), dim = p.size("dim"), entries = p.size("entries");
  to = {.x = p.rows("x", rows, dim),
        .table = p.tensor("table", {entries, dim}),
        .ids = p.indices("ids", rows, entries),
        .out = p.activations("out", {rows, dim}),
        .rows = rows,
        .dim = dim,
        .x_stride = p.stride("x", dim)};
}

}  // namespace skipscan
