#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

double step_size(const SelectiveStateImportanceParams& p, int64_t step, int64_t channel) {
  const double dt =
      double(p.delta[p.path.param_index[step] * p.delta_stride + channel]) + (p.dt_bias ? p.dt_bias[channel] : 0);
  return p.softplus ? softplus(dt) : dt;
}

// Adds the shares that a sequence's steps have in the final state of one channel.
void add_shares(const SelectiveStateImportanceParams& p, int64_t sequence, int64_t channel,
                std::vector<double>& shares) {
  const int64_t group = channel / (p.channels / p.groups), n_states = p.d_state, begin = p.path.begin(sequence);
  const float* A = p.A + channel * n_states;
  const double norm_h = norm(p.state + (sequence * p.channels + channel) * n_states, n_states);
  if (norm_h == 0) return;

  double elapsed = 0;  // since the step
  for (int64_t k = p.path.end(sequence) - 1; k >= begin; --k) {
    const float* B = p.B + p.path.param_index[k] * p.B_stride + group * n_states;
    const double dt = step_size(p, k, channel), u = p.u[p.path.index[k] * p.u_stride + channel];
    double squares = 0;
    for (int64_t n = 0; n < n_states; ++n) squares += std::pow(B[n] * std::exp(A[n] * elapsed), 2);
    shares[size_t(k)] += dt * std::fabs(u) * std::sqrt(squares) / norm_h;

    const double dt_before = k > begin ? step_size(p, k - 1, channel) : dt;
    const double skipped = p.alignment == Alignment::own ? p.skipped_dt[k * p.channels + channel] : 0;
    elapsed += decay_time(p.alignment, dt, dt_before, p.path.gap[k], skipped);
  }
}

Status run(const SelectiveStateImportanceParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  std::vector<double> shares(size_t(p.path.steps), 0.0);
  for (int64_t s = 0; s < p.path.sequences; ++s)
    for (int64_t c = 0; c < p.channels; ++c) add_shares(p, s, c, shares);
  for (size_t k = 0; k < shares.size(); ++k) p.scores[p.path.index[k]] = float(shares[k] / p.channels);
  return {};
}

}  // namespace

const Op<SelectiveStateImportanceParams> selective_state_importance = {supports_all, run};

}  // namespace skipscan::cpu::reference
