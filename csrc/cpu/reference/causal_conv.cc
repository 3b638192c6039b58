#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

// The line of inputs that a sequence's convolution slides over, for one channel: `width` inputs from before its first
// step, then its own. `at[k]` is where the k-th step's input lies.
struct Line {
  std::vector<float> inputs;
  std::vector<size_t> at;
};

Line line_of(const CausalConvParams& p, int64_t sequence, int64_t channel) {
  Line line;
  for (int32_t j = 0; j < p.width; ++j)
    line.inputs.push_back(p.state_in ? p.state_in[(sequence * p.width + j) * p.channels + channel] : 0);
  for (int64_t k = p.path.begin(sequence); k < p.path.end(sequence); ++k) {
    if (p.mode == ConvMode::aligned) line.inputs.resize(line.inputs.size() + size_t(p.path.gap[k] - 1));  // zeros
    line.at.push_back(line.inputs.size());
    line.inputs.push_back(p.x[p.path.index[k] * p.x_stride + channel]);
  }
  return line;
}

void convolve(const CausalConvParams& p, int64_t sequence, int64_t channel) {
  const Line line = line_of(p, sequence, channel);
  for (size_t k = 0; k < line.at.size(); ++k) {
    double total = p.bias ? p.bias[channel] : 0;
    for (int32_t j = 0; j < p.width; ++j)
      total += double(p.weight[(p.width - 1 - j) * p.channels + channel]) * line.inputs[line.at[k] - size_t(j)];
    const int64_t row = p.path.index[p.path.begin(sequence) + int64_t(k)];
    p.y[row * p.y_stride + channel] = float(p.silu ? silu(total) : total);
  }
  if (!p.state_out) return;
  for (int32_t j = 0; j < p.width; ++j)
    p.state_out[(sequence * p.width + j) * p.channels + channel] =
        line.inputs[line.inputs.size() - size_t(p.width - j)];
}

Status run(const CausalConvParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  for (int64_t s = 0; s < p.path.sequences; ++s)
    for (int64_t c = 0; c < p.channels; ++c) convolve(p, s, c);
  return {};
}

}  // namespace

const Op<CausalConvParams> causal_conv = {supports_all, run};

}  // namespace skipscan::cpu::reference
