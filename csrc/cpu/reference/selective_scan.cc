#include <vector>

#include "cpu/reference/importance.h"

namespace skipscan::cpu::reference {
namespace {

void scan(const SelectiveScanParams& p, int64_t sequence, int64_t channel, ScanScores& scores) {
  const int64_t group = channel / (p.channels / p.groups), n_states = p.d_state;
  const int64_t begin = p.path.begin(sequence), end = p.path.end(sequence);
  const float* A = p.A + channel * n_states;
  const int64_t state_at = (sequence * p.channels + channel) * n_states;

  std::vector<double> h(size_t(n_states), 0.0);
  if (p.state_in) h.assign(p.state_in + state_at, p.state_in + state_at + n_states);

  double dt_before = 0;
  for (int64_t k = begin; k < end; ++k) {
    const int64_t r = p.path.index[k], q = p.path.param_index[k];
    const float *B = p.B + q * p.B_stride + group * n_states, *C = p.C + q * p.C_stride + group * n_states;

    double dt = double(p.delta[q * p.delta_stride + channel]) + (p.dt_bias ? p.dt_bias[channel] : 0);
    if (p.softplus) dt = softplus(dt);
    if (k == begin) dt_before = dt;
    const double skipped = p.alignment == Alignment::own ? p.skipped_dt[k * p.channels + channel] : 0;
    const double decay = decay_time(p.alignment, dt, dt_before, p.path.gap[k], skipped);
    dt_before = dt;
    scores.add_dt(k, dt);

    const double u = p.u[r * p.u_stride + channel];
    double y = p.D ? p.D[channel] * u : 0;
    if (p.y_in) y += p.y_in[r * p.y_stride + channel];
    for (int64_t n = 0; n < n_states; ++n) {
      double& state = h[size_t(n)];
      state = std::exp(decay * A[n]) * state + dt * B[n] * u;
      y += C[n] * state;
    }
    y *= p.y_scale;
    const double gated = p.z ? y * silu(p.z[r * p.z_stride + channel]) : y;
    scores.add_y(k, y, gated);
    p.y[r * p.y_stride + channel] = float(gated);
  }
  if (p.state_out)
    for (int64_t n = 0; n < n_states; ++n) p.state_out[state_at + n] = float(h[size_t(n)]);
}

Status run(const SelectiveScanParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  ScanScores scores(p);
  for (int64_t s = 0; s < p.path.sequences; ++s)
    for (int64_t c = 0; c < p.channels; ++c) scan(p, s, c, scores);
  scores.write(p);
  return {};
}

}  // namespace

const Op<SelectiveScanParams> selective_scan = {supports_all, run};

}  // namespace skipscan::cpu::reference
