// The params of the operators that walk along a scan path.
#include "calls/op_params.h"

namespace skipscan {
namespace {

Alignment read_alignment(const OpReader& p) {
  return p.choice<Alignment>("alignment", {{"none", Alignment::none},
                                           {"next", Alignment::next},
                                           {"previous", Alignment::previous},
                                           {"own", Alignment::own}});
}

// `own` reads the dt of the skipped positions, so it must be there.
const float* read_skipped_dt(const OpReader& p, Alignment alignment, const PathView& path, int64_t width) {
  return alignment == Alignment::own ? p.tensor("skippedDt", {path.steps, width}) : nullptr;
}

// The metric and the source of the scores that a scan makes on the way; whatever they are where none are wanted.
ImportanceMetric read_metric(const OpReader& p) {
  if (!p.has("importance")) return ImportanceMetric::clip;
  return p.choice<ImportanceMetric>("metric", {{"clip", ImportanceMetric::clip},
                                               {"l1", ImportanceMetric::l1},
                                               {"l2", ImportanceMetric::l2},
                                               {"sum", ImportanceMetric::sum},
                                               {"delta", ImportanceMetric::delta}});
}
ImportanceSource read_source(const OpReader& p) {
  if (!p.has("importance")) return ImportanceSource::gated;
  return p.choice<ImportanceSource>("source", {{"gated", ImportanceSource::gated}, {"ssm", ImportanceSource::ssm}});
}

}  // namespace

void read(const OpReader& p, CausalConvParams& to) {
  const int64_t rows = p.size("rows"), channels = p.size("channels");
  const int32_t width = p.size("width");
  if (width > kMaxConvWidth) p.mismatch("width", "at most 16");
  const PathView path = p.path(rows);
  to = {.x = p.rows("x", rows, channels),
        .weight = p.tensor("weight", {width, channels}),
        .bias = p.optional("bias", {channels}),
        .state_in = p.optional("stateIn", {path.sequences, width, channels}),
        .state_out = p.optional("stateOut", {path.sequences, width, channels}),
        .y = p.rows("y", rows, channels),
        .path = path,
        .channels = channels,
        .x_stride = p.stride("x", channels),
        .y_stride = p.stride("y", channels),
        .width = width,
        .mode = p.choice<ConvMode>("mode", {{"compact", ConvMode::compact}, {"aligned", ConvMode::aligned}}),
        .silu = p.flag("silu")};
}

void read(const OpReader& p, SelectiveScanParams& to) {
  const int64_t rows = p.size("rows");
  const int32_t channels = p.size("channels"), d_state = p.size("dState"), groups = p.size("groups");
  const int64_t group_width = int64_t(groups) * d_state;
  p.check_divides("groups", groups, channels);
  const PathView path = p.path(rows);
  const Alignment alignment = read_alignment(p);
  to = {.u = p.rows("u", rows, channels),
        .delta = p.rows("delta", rows, channels),
        .A = p.tensor("A", {channels, d_state}),
        .B = p.rows("B", rows, group_width),
        .C = p.rows("C", rows, group_width),
        .D = p.optional("D", {channels}),
        .z = p.optional_rows("z", rows, channels),
        .dt_bias = p.optional("dtBias", {channels}),
        .skipped_dt = read_skipped_dt(p, alignment, path, channels),
        .state_in = p.optional("stateIn", {path.sequences, channels, d_state}),
        .state_out = p.optional("stateOut", {path.sequences, channels, d_state}),
        .y = p.rows("y", rows, channels),
        .path = path,
        .u_stride = p.stride("u", channels),
        .delta_stride = p.stride("delta", channels),
        .B_stride = p.stride("B", group_width),
        .C_stride = p.stride("C", group_width),
        .z_stride = p.stride("z", channels),
        .y_stride = p.stride("y", channels),
        .channels = channels,
        .d_state = d_state,
        .groups = groups,
        .alignment = alignment,
        .softplus = p.flag("softplus"),
        .importance = p.optional("importance", {rows}),
        .metric = read_metric(p),
        .source = read_source(p),
        .y_in = p.optional_rows("yIn", rows, channels, "y"),
        .y_scale = p.has("yScale") ? p.real("yScale") : 1};
  if (to.metric == ImportanceMetric::delta) to.importance_in = p.optional("importanceIn", {rows});
}

void read(const OpReader& p, SsdScanParams& to) {
  const int64_t rows = p.size("rows");
  const int32_t heads = p.size("heads"), head_dim = p.size("headDim");
  const int32_t groups = p.size("groups"), d_state = p.size("dState");
  const int64_t width = int64_t(heads) * head_dim, group_width = int64_t(groups) * d_state;
  p.check_divides("groups", groups, heads);
  const PathView path = p.path(rows);
  const Alignment alignment = read_alignment(p);
  const bool D_per_channel = p.flag("DPerChannel");
  to = {.x = p.rows("x", rows, width),
        .dt = p.rows("dt", rows, heads),
        .A = p.tensor("A", {heads}),
        .B = p.rows("B", rows, group_width),
        .C = p.rows("C", rows, group_width),
        .D = p.optional("D", {D_per_channel ? width : heads}),
        .z = p.optional_rows("z", rows, width),
        .dt_bias = p.optional("dtBias", {heads}),
        .skipped_dt = read_skipped_dt(p, alignment, path, heads),
        .state_in = p.optional("stateIn", {path.sequences, width, d_state}),
        .state_out = p.optional("stateOut", {path.sequences, width, d_state}),
        .y = p.rows("y", rows, width),
        .path = path,
        .x_stride = p.stride("x", width),
        .dt_stride = p.stride("dt", heads),
        .B_stride = p.stride("B", group_width),
        .C_stride = p.stride("C", group_width),
        .z_stride = p.stride("z", width),
        .y_stride = p.stride("y", width),
        .heads = heads,
        .head_dim = head_dim,
        .groups = groups,
        .d_state = d_state,
        .dt_min = p.real("dtMin"),
        .dt_max = p.real("dtMax"),
        .alignment = alignment,
        .softplus = p.flag("softplus"),
        .D_per_channel = D_per_channel,
        .importance = p.optional("importance", {rows}),
        .metric = read_metric(p),
        .source = read_source(p)};
}

void read(const OpReader& p, SelectiveStateImportanceParams& to) {
  const int64_t rows = p.size("rows");
  const int32_t channels = p.size("channels"), d_state = p.size("dState"), groups = p.size("groups");
  const int64_t group_width = int64_t(groups) * d_state;
  p.check_divides("groups", groups, channels);
  const PathView path = p.path(rows);
  const Alignment alignment = read_alignment(p);
  to = {.u = p.rows("u", rows, channels),
        .delta = p.rows("delta", rows, channels),
        .A = p.tensor("A", {channels, d_state}),
        .B = p.rows("B", rows, group_width),
        .dt_bias = p.optional("dtBias", {channels}),
        .skipped_dt = read_skipped_dt(p, alignment, path, channels),
        .state = p.tensor("state", {path.sequences, channels, d_state}),
        .scores = p.tensor("scores", {rows}),
        .path = path,
        .u_stride = p.stride("u", channels),
        .delta_stride = p.stride("delta", channels),
        .B_stride = p.stride("B", group_width),
        .channels = channels,
        .d_state = d_state,
        .groups = groups,
        .alignment = alignment,
        .softplus = p.flag("softplus")};
}

void read(const OpReader& p, SsdStateImportanceParams& to) {
  const int64_t rows = p.size("rows");
  const int32_t heads = p.size("heads"), head_dim = p.size("headDim");
  const int32_t groups = p.size("groups"), d_state = p.size("dState");
  const int64_t width = int64_t(heads) * head_dim, group_width = int64_t(groups) * d_state;
  p.check_divides("groups", groups, heads);
  const PathView path = p.path(rows);
  const Alignment alignment = read_alignment(p);
  to = {.x = p.rows("x", rows, width),
        .dt = p.rows("dt", rows, heads),
        .A = p.tensor("A", {heads}),
        .B = p.rows("B", rows, group_width),
        .dt_bias = p.optional("dtBias", {heads}),
        .skipped_dt = read_skipped_dt(p, alignment, path, heads),
        .state = p.tensor("state", {path.sequences, width, d_state}),
        .scores = p.tensor("scores", {rows}),
        .path = path,
        .x_stride = p.stride("x", width),
        .dt_stride = p.stride("dt", heads),
        .B_stride = p.stride("B", group_width),
        .heads = heads,
        .head_dim = head_dim,
        .groups = groups,
        .d_state = d_state,
        .dt_min = p.real("dtMin"),
        .dt_max = p.real("dtMax"),
        .alignment = alignment,
        .softplus = p.flag("softplus")};
}

}  // namespace skipscan
