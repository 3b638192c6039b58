#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

double step_size(const SsdStateImportanceParams& p, int64_t step, int64_t head) {
  double dt = double(p.dt[p.path.param_index[step] * p.dt_stride + head]) + (p.dt_bias ? p.dt_bias[head] : 0);
  if (p.softplus) dt = softplus(dt);
  return std::fmin(std::fmax(dt, p.dt_min), p.dt_max);
}

// Adds the shares that a sequence's steps have in the final state of one head.
void add_shares(const SsdStateImportanceParams& p, int64_t sequence, int64_t head, std::vector<double>& shares) {
  const int64_t group = head / (p.heads / p.groups), state_size = int64_t(p.head_dim) * p.d_state;
  const int64_t begin = p.path.begin(sequence);
  const double norm_H = norm(p.state + (sequence * p.heads + head) * state_size, state_size);
  if (norm_H == 0) return;

  double elapsed = 0;  // since the step
  for (int64_t k = p.path.end(sequence) - 1; k >= begin; --k) {
    const float* x = p.x + p.path.index[k] * p.x_stride + head * p.head_dim;
    const float* B = p.B + p.path.param_index[k] * p.B_stride + group * p.d_state;
    const double dt = step_size(p, k, head);
    shares[size_t(k)] += dt * norm(x, p.head_dim) * norm(B, p.d_state) * std::exp(p.A[head] * elapsed) / norm_H;

    const double dt_before = k > begin ? step_size(p, k - 1, head) : dt;
    const double skipped = p.alignment == Alignment::own ? p.skipped_dt[k * p.heads + head] : 0;
    elapsed += decay_time(p.alignment, dt, dt_before, p.path.gap[k], skipped);
  }
}

Status run(const SsdStateImportanceParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  std::vector<double> shares(size_t(p.path.steps), 0.0);
  for (int64_t s = 0; s < p.path.sequences; ++s)
    for (int64_t h = 0; h < p.heads; ++h) add_shares(p, s, h, shares);
  for (size_t k = 0; k < shares.size(); ++k) p.scores[p.path.index[k]] = float(shares[k] / p.heads);
  return {};
}

}  // namespace

const Op<SsdStateImportanceParams> ssd_state_importance = {supports_all, run};

}  // namespace skipscan::cpu::reference
