#include "ops/work.h"

#include <algorithm>

#include "ops/backend.h"

namespace skipscan {
namespace {

// Bytes of tensors; none where there is no tensor.
double bytes(ConstElements e, int64_t count) { return e ? double(count) * double(size_of(e.dtype)) : 0; }
template <class T>
double bytes(const T* values, int64_t count) {
  return values ? double(count) * sizeof(T) : 0;
}

// What a path says of its steps: rows, and of scans also the rows of parameters.
double path_bytes(const PathView& path, int arrays) {
  return double(sizeof(int32_t)) * (double(arrays) * path.steps + path.sequences + 1);
}

// One value through a function: flops and exponentials.
struct Cost {
  double flops, exponentials;
};
constexpr Cost kNothing = {0, 0};
constexpr Cost kSilu = {3, 1};      // x / (1 + e^-x)
constexpr Cost kGelu = {3, 1};      // max(x, 0) - |x| Q(|x|)
constexpr Cost kSoftplus = {2, 2};  // max(x, 0) + log(1 + e^-|x|)

Cost cost_of(Activation a) { return a == Activation::silu ? kSilu : a == Activation::gelu ? kGelu : kNothing; }

// The mean over channels that a score is: one operation makes a term, one adds it.
double score_flops(const float* importance, ImportanceMetric metric) {
  return !importance ? 0 : metric == ImportanceMetric::sum || metric == ImportanceMetric::delta ? 1 : 2;
}

// dt of one step and channel or head, from the projection to the time that decays the state.
template <class Params>
Cost time_step(const Params& p) {
  const Cost softplus = p.softplus ? kSoftplus : kNothing;
  return {softplus.flops + (p.dt_bias != nullptr) + (p.alignment != Alignment::none), softplus.exponentials};
}

}  // namespace

// ---- products and rows

Work work_of(const EmbeddingParams& p) {
  const WeightMatrix& table = p.table;
  const double row_bytes = double(table.bytes()) / double(table.panels() * table.panel);
  return {"embedding", 0, bytes(p.ids, p.rows) + double(p.rows) * row_bytes + bytes(p.out, p.rows * table.cols), 0};
}

Work work_of(const LinearParams& p) {
  const int64_t inputs = p.weight.cols, outputs = p.weight.rows;
  return {
      "linear " + std::to_string(inputs) + "x" + std::to_string(outputs),
      2.0 * double(p.rows) * double(inputs) * double(outputs),
      bytes(p.x, p.rows * inputs) + double(p.weight.bytes()) + bytes(p.bias, outputs) + bytes(p.y, p.rows * outputs),
      0};
}

Work work_of(const RmsNormParams& p) {
  const int64_t count = p.rows * p.dim;
  return {"rms_norm", double(count) * (4 + (p.residual_in != nullptr)),
          bytes(p.x, count) + bytes(p.residual_in, count) + bytes(p.weight, p.dim) + bytes(p.residual_out, count) +
              bytes(p.out, count) + bytes(p.index, p.rows),
          0};
}

Work work_of(const GatedRmsNormParams& p) {
  const int64_t count = p.rows * p.dim;
  return {"gated_rms_norm", double(count) * (4 + kSilu.flops + 1 + score_flops(p.importance, p.metric)),
          bytes(p.y, count) + bytes(p.z, count) + bytes(p.weight, p.dim) + bytes(p.out, count) +
              bytes(p.importance, p.rows),
          double(count) * kSilu.exponentials};
}

Work work_of(const LayerNormParams& p) {
  const int64_t count = p.rows * p.dim;
  return {"layer_norm", double(count) * (6 + (p.residual_in != nullptr)),
          bytes(p.x, count) + bytes(p.residual_in, count) + bytes(p.weight, p.dim) + bytes(p.bias, p.dim) +
              bytes(p.residual_out, count) + bytes(p.out, count),
          0};
}

Work work_of(const MeanRowsParams& p) {
  return {"mean_rows", double(p.rows * p.dim),
          bytes(p.x, p.rows * p.dim) + bytes(p.offsets, p.sequences + 1) + bytes(p.out, p.sequences * p.dim), 0};
}

Work work_of(const AddRowsParams& p) {
  const int64_t count = p.rows * p.dim;
  return {"add_rows", double(count),
          bytes(p.x, count) + bytes(p.table, count) + bytes(p.ids, p.rows) + bytes(p.out, count), 0};
}

Work work_of(const TokenLogprobsParams& p) {
  const int64_t count = p.rows * p.vocabulary;
  return {"token_logprobs", double(count) * ((p.tokens != nullptr) + (p.best != nullptr)),
          bytes(p.logits, count) + bytes(p.tokens, p.rows) + bytes(p.logprobs, p.rows) + bytes(p.best, p.rows),
          p.tokens ? double(count) : 0};
}

// ---- convolutions and paths

Work work_of(const CausalConvParams& p) {
  const int64_t count = p.path.steps * p.channels, state = p.path.sequences * p.width * p.channels;
  const Cost activation = p.silu ? kSilu : kNothing;
  return {"causal_conv", double(count) * (2 * p.width + activation.flops),
          bytes(p.x, count) + bytes(p.weight, p.width * p.channels) + bytes(p.bias, p.channels) +
              bytes(p.state_in, state) + bytes(p.state_out, state) + bytes(p.y, count) + path_bytes(p.path, 2),
          double(count) * activation.exponentials};
}

// As if no tap met an empty place.
Work work_of(const DepthwiseConv2dParams& p) {
  const int64_t count = p.rows * p.channels, taps = int64_t(p.size) * p.size;
  const Cost activation = cost_of(p.activation);
  return {"depthwise_conv2d", double(count) * (2.0 * double(taps) + (p.added != nullptr) + activation.flops),
          bytes(p.x, count) + bytes(p.added, count) + bytes(p.weight, taps * p.channels) + bytes(p.bias, p.channels) +
              bytes(p.positions, p.rows) + bytes(p.offsets, p.sequences + 1) +
              bytes(p.row_at, int64_t(p.height) * p.width * p.sequences) + bytes(p.out, count),
          double(count) * activation.exponentials};
}

// Of the images, the part that these rows are of all rows.
Work work_of(const ImagePatchesParams& p) {
  const double part = double(p.rows) / (double(p.images) * p.out_height * p.out_width);
  const int64_t pixels = int64_t(p.images) * p.channels * p.height * p.width;
  return {"image_patches", 0, part * bytes(p.x, pixels) + bytes(p.out, p.rows * p.kernel * p.kernel * p.channels), 0};
}

Work work_of(const ScanPathsParams& p) {
  const int64_t places = int64_t(p.directions) * p.places, steps = p.directions * p.rows;
  return {"scan_paths", 0,
          bytes(p.positions, p.rows) + bytes(p.offsets, p.sequences + 1) + bytes(p.orders, places) +
              bytes(p.labels, places) + bytes(p.row_at, int64_t(p.places) * p.sequences) + bytes(p.index, steps) +
              bytes(p.gap, steps) + bytes(p.label, steps),
          0};
}

// ---- scans

// For each state: its exponent, its input, and a multiply-add each for the state and for y.
Work work_of(const SelectiveScanParams& p) {
  const int64_t steps = p.path.steps, count = steps * p.channels, groups = steps * p.groups * p.d_state;
  const int64_t state = int64_t(p.channels) * p.d_state, states = p.path.sequences * state;
  const Cost dt = time_step(p), gate = p.z ? Cost{kSilu.flops + 1, kSilu.exponentials} : kNothing;
  const double flops = 6.0 * p.d_state + dt.flops + 1 + (p.D ? 2 : 0) + bool(p.y_in) + (p.y_scale != 1) + gate.flops +
                       score_flops(p.importance, p.metric);
  return {"selective_scan", double(count) * flops,
          bytes(p.u, count) + bytes(p.delta, count) + bytes(p.A, state) + bytes(p.B, groups) + bytes(p.C, groups) +
              bytes(p.D, p.channels) + bytes(p.z, count) + bytes(p.dt_bias, p.channels) + bytes(p.skipped_dt, count) +
              bytes(p.state_in, states) + bytes(p.state_out, states) + bytes(p.y, count) + bytes(p.y_in, count) +
              bytes(p.importance, steps) + bytes(p.importance_in, steps) + path_bytes(p.path, 3),
          double(count) * (p.d_state + dt.exponentials + gate.exponentials)};
}

// For each state, a multiply-add each for itself and for y: in chunks, its decay is spared.
Work work_of(const SsdScanParams& p) {
  const int64_t steps = p.path.steps, heads = steps * p.heads, count = heads * p.head_dim;
  const int64_t groups = steps * p.groups * p.d_state;
  const int64_t states = int64_t(p.path.sequences) * p.heads * p.head_dim * p.d_state;
  const Cost dt = time_step(p), gate = p.z ? Cost{kSilu.flops + 1, kSilu.exponentials} : kNothing;
  const double per_value = 4.0 * p.d_state + 1 + (p.D ? 2 : 0) + gate.flops + score_flops(p.importance, p.metric);
  return {"ssd_scan", double(count) * per_value + double(heads) * (dt.flops + 1),
          bytes(p.x, count) + bytes(p.dt, heads) + bytes(p.A, p.heads) + bytes(p.B, groups) + bytes(p.C, groups) +
              bytes(p.D, p.D_per_channel ? p.heads * p.head_dim : p.heads) + bytes(p.z, count) +
              bytes(p.dt_bias, p.heads) + bytes(p.skipped_dt, heads) + bytes(p.state_in, states) +
              bytes(p.state_out, states) + bytes(p.y, count) + bytes(p.importance, steps) + path_bytes(p.path, 3),
          double(count) * gate.exponentials + double(heads) * (dt.exponentials + 1)};
}

// ---- scores and reductions

// For each state: its exponent, its product with B, and a multiply-add of the norm.
Work work_of(const SelectiveStateImportanceParams& p) {
  const int64_t steps = p.path.steps, count = steps * p.channels, state = int64_t(p.channels) * p.d_state;
  const Cost dt = time_step(p);
  return {"selective_state_importance", double(count) * (4.0 * p.d_state + dt.flops + 5),
          bytes(p.u, count) + bytes(p.delta, count) + bytes(p.A, state) + bytes(p.B, steps * p.groups * p.d_state) +
              bytes(p.dt_bias, p.channels) + bytes(p.skipped_dt, count) + bytes(p.state, p.path.sequences * state) +
              bytes(p.scores, steps) + path_bytes(p.path, 3),
          double(count) * (p.d_state + dt.exponentials)};
}

Work work_of(const SsdStateImportanceParams& p) {
  const int64_t steps = p.path.steps, heads = steps * p.heads, count = heads * p.head_dim;
  const int64_t groups = steps * p.groups * p.d_state;
  const Cost dt = time_step(p);
  return {"ssd_state_importance", 2.0 * double(count + groups) + double(heads) * (dt.flops + 5),
          bytes(p.x, count) + bytes(p.dt, heads) + bytes(p.A, p.heads) + bytes(p.B, groups) +
              bytes(p.dt_bias, p.heads) + bytes(p.skipped_dt, heads) +
              bytes(p.state, int64_t(p.path.sequences) * p.heads * p.head_dim * p.d_state) + bytes(p.scores, steps) +
              path_bytes(p.path, 3),
          double(heads) * (dt.exponentials + 1)};
}

Work work_of(const TokenImportanceParams& p) {
  const int64_t count = p.rows * p.channels;
  const double flops = is_novel(p.metric) ? 4 : score_flops(p.scores, p.metric);
  return {"token_importance", double(count) * (flops + bool(p.added)),
          bytes(p.x, count) + bytes(p.added, count) + bytes(p.offsets, p.sequences + 1) + bytes(p.scores, p.rows), 0};
}

// Similarities as if no row were protected and all sequences were as long: of unequal ones there are more.
Work work_of(const SelectTokensParams& p) {
  const int64_t rows = p.rows, count = rows * p.dim;
  const double pairs = double(rows) * double(rows) / (4.0 * p.sequences);
  const double flops = p.features ? 2 * double(p.dim) * (pairs + double(rows)) : 0;
  return {"select_tokens", flops + (p.added_features ? double(count) : 0),
          bytes(p.scores, rows) + bytes(p.features, count) + bytes(p.added_features, count) + bytes(p.positions, rows) +
              bytes(p.is_protected, rows) + bytes(p.sizes, rows) + bytes(p.offsets, p.sequences + 1) +
              bytes(p.keep, p.sequences) + bytes(p.kept_offsets, p.sequences + 1) + bytes(p.dest_hidden, rows) +
              bytes(p.dest_residual, rows) + bytes(p.weights, rows),
          0};
}

// The rows that stay; which others go into means is not known here.
Work work_of(const ReduceTokensParams& p) {
  const int64_t count = p.kept_rows * p.dim;
  return {"reduce_tokens", 0,
          bytes(p.hidden, count) + bytes(p.residual, count) + bytes(p.hidden_out, count) +
              bytes(p.residual_out, count) + bytes(p.dest_hidden, p.rows) + bytes(p.dest_residual, p.rows) +
              bytes(p.weights, p.rows) + bytes(p.kept, p.kept_rows) + bytes(p.positions, p.kept_rows) +
              bytes(p.is_protected, p.kept_rows) + bytes(p.kept_offsets, p.sequences + 1) +
              bytes(p.positions_out, p.kept_rows) + bytes(p.protected_out, p.kept_rows) + bytes(p.gap_out, p.kept_rows),
          0};
}

}  // namespace skipscan
