#include <vector>

#include "cpu/reference/importance.h"

namespace skipscan::cpu::reference {
namespace {

void scan(const SsdScanParams& p, int64_t sequence, int64_t head, ScanScores& scores) {
  const int64_t group = head / (p.heads / p.groups), n_states = p.d_state;
  const int64_t begin = p.path.begin(sequence), end = p.path.end(sequence);
  const int64_t state_size = int64_t(p.head_dim) * n_states, state_at = (sequence * p.heads + head) * state_size;

  std::vector<double> h(size_t(state_size), 0.0);  // (head_dim, d_state)
  if (p.state_in) h.assign(p.state_in + state_at, p.state_in + state_at + state_size);

  double dt_before = 0;
  for (int64_t k = begin; k < end; ++k) {
    const int64_t r = p.path.index[k], q = p.path.param_index[k];
    const float *B = p.B + q * p.B_stride + group * n_states, *C = p.C + q * p.C_stride + group * n_states;

    double dt = double(p.dt[q * p.dt_stride + head]) + (p.dt_bias ? p.dt_bias[head] : 0);
    if (p.softplus) dt = softplus(dt);
    dt = std::fmin(std::fmax(dt, p.dt_min), p.dt_max);
    if (k == begin) dt_before = dt;
    const double skipped = p.alignment == Alignment::own ? p.skipped_dt[k * p.heads + head] : 0;
    const double decay = decay_time(p.alignment, dt, dt_before, p.path.gap[k], skipped);
    const double factor = std::exp(decay * p.A[head]);
    dt_before = dt;
    scores.add_dt(k, dt);

    for (int64_t d = 0; d < p.head_dim; ++d) {
      const int64_t at = head * p.head_dim + d;  // of this channel within a row
      const double x = p.x[r * p.x_stride + at];
      double y = p.D ? p.D[p.D_per_channel ? at : head] * x : 0;
      for (int64_t n = 0; n < n_states; ++n) {
        double& state = h[size_t(d * n_states + n)];
        state = factor * state + dt * B[n] * x;
        y += C[n] * state;
      }
      const double gated = p.z ? y * silu(p.z[r * p.z_stride + at]) : y;
      scores.add_y(k, y, gated);
      p.y[r * p.y_stride + at] = float(gated);
    }
  }
  if (p.state_out)
    for (int64_t i = 0; i < state_size; ++i) p.state_out[state_at + i] = float(h[size_t(i)]);
}

Status run(const SsdScanParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  ScanScores scores(p);
  for (int64_t s = 0; s < p.path.sequences; ++s)
    for (int64_t h = 0; h < p.heads; ++h) scan(p, s, h, scores);
  scores.write(p);
  return {};
}

}  // namespace

const Op<SsdScanParams> ssd_scan = {supports_all, run};

}  // namespace skipscan::cpu::reference
