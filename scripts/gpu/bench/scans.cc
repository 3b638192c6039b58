#include "problems.h"

namespace skipscan::bench {
namespace {

constexpr float kUnclamped = 1e30f;
constexpr double kExponentialsOfGateAndStep = 3;  // softplus: an exponential and a logarithm; silu: an exponential

// One step of every sequence is a decode step: it has a state from before.
struct ScanShape {
  int32_t sequences, steps;
  DType dtype;
  Kept kept = Kept::all;

  bool decodes() const { return steps == 1; }
  double rows() const { return double(sequences) * steps; }
};

const char* variant_of(ScanShape s) {
  if (s.decodes()) return "step";
  return s.kept == Kept::all ? "dense" : s.kept == Kept::most ? "gathered" : "gathered, aligned";
}

Alignment alignment_of(Kept kept) { return kept == Kept::most_aligned ? Alignment::next : Alignment::none; }

// ---- Mamba-1

struct Channels {
  int32_t channels, d_state;
};
constexpr Channels kMamba28B{5120, 16}, kSmallMamba{64, 16};

Problem selective_scan(Memory& m, ScanShape s, Channels c) {
  const Path path(s.sequences, s.steps, s.kept);
  const int64_t E = c.channels, N = c.d_state, wide = path.rows * E, narrow = path.rows * N;
  const int64_t state_size = s.sequences * E * N;
  SelectiveScanParams p{};
  p.u = m.random(s.dtype, wide, -1, 1);
  p.delta = m.random(s.dtype, wide, -4, 1);
  p.A = m.floats(E * N, -8, -0.5);
  p.B = m.random(s.dtype, narrow, -1, 1);
  p.C = m.random(s.dtype, narrow, -1, 1);
  p.D = m.floats(E, -1, 1);
  p.z = m.random(s.dtype, wide, -2, 2);
  p.dt_bias = m.floats(E, -1, 1);
  if (s.decodes()) p.state_in = m.floats(state_size, -1, 1);
  const Elements state = m.output(DType::f32, state_size), y = m.output(s.dtype, wide);
  p.state_out = state.f32();
  p.y = y;
  p.path = path.place(m);
  p.u_stride = p.delta_stride = p.z_stride = p.y_stride = E;
  p.B_stride = p.C_stride = N;
  p.channels = c.channels;
  p.d_state = c.d_state;
  p.groups = 1;
  p.alignment = alignment_of(s.kept);
  p.softplus = true;
  return {[p](const Backend& backend, ExecContext& context) { return backend.selective_scan.run(p, context); },
          {{y, wide}, {state, state_size}}};
}

Case selective_scan_case(ScanShape s) {
  const auto [channels, d_state] = kMamba28B;
  const double E = channels, N = d_state, states = s.sequences * E * N;
  Case c{"selective_scan", variant_of(s), shape_name(s.sequences, s.steps, "E 5120 N 16"), s.dtype};
  c.work.bytes = s.rows() * (4 * E + 2 * N) * double(size_of(s.dtype)) + (s.decodes() ? 8 : 4) * states + 4 * E * N;
  c.work.exponentials = s.rows() * E * (N + kExponentialsOfGateAndStep);
  c.full = [s](Memory& m) { return selective_scan(m, s, kMamba28B); };
  c.small = [s](Memory& m) { return selective_scan(m, {2, s.decodes() ? 1 : 300, s.dtype, s.kept}, kSmallMamba); };
  return c;
}

// ---- Mamba-2

struct Heads {
  int32_t heads, head_dim, d_state;
};
constexpr Heads kMamba2_27B{80, 64, 128}, kSmallMamba2{4, 64, 128};

Problem ssd_scan(Memory& m, ScanShape s, Heads h) {
  const Path path(s.sequences, s.steps, s.kept);
  const int64_t H = h.heads, N = h.d_state, E = H * h.head_dim;
  const int64_t wide = path.rows * E, narrow = path.rows * N, state_size = s.sequences * E * N;
  SsdScanParams p{};
  p.x = m.random(s.dtype, wide, -1, 1);
  p.dt = m.random(s.dtype, path.rows * H, -4, 1);
  p.A = m.floats(H, -8, -0.5);
  p.B = m.random(s.dtype, narrow, -1, 1);
  p.C = m.random(s.dtype, narrow, -1, 1);
  p.D = m.floats(H, -1, 1);
  p.dt_bias = m.floats(H, -1, 1);
  if (s.decodes()) p.state_in = m.floats(state_size, -1, 1);
  const Elements state = m.output(DType::f32, state_size), y = m.output(s.dtype, wide);
  p.state_out = state.f32();
  p.y = y;
  p.path = path.place(m);
  p.x_stride = p.y_stride = E;
  p.dt_stride = H;
  p.B_stride = p.C_stride = N;
  p.heads = h.heads;
  p.head_dim = h.head_dim;
  p.groups = 1;
  p.d_state = h.d_state;
  p.dt_max = kUnclamped;
  p.alignment = alignment_of(s.kept);
  p.softplus = true;
  return {[p](const Backend& backend, ExecContext& context) { return backend.ssd_scan.run(p, context); },
          {{y, wide}, {state, state_size}}};
}

// The chunked form's products, by the token: into the state and out of it, and within chunks of 64 tokens the lower triangle
// of C B^T, which all heads share, and of its product with x.
double ssd_flops(ScanShape s, Heads h) {
  constexpr double kChunk = 64;
  const double E = double(h.heads) * h.head_dim, N = h.d_state;
  if (s.decodes()) return 0;
  return s.rows() * (4 * E * N + kChunk * (N + E));
}

Case ssd_scan_case(ScanShape s) {
  const double H = kMamba2_27B.heads, N = kMamba2_27B.d_state, E = H * kMamba2_27B.head_dim;
  Case c{"ssd_scan", variant_of(s), shape_name(s.sequences, s.steps, "H 80 P 64 N 128"), s.dtype};
  c.work.bytes =
      s.rows() * (2 * E + H + 2 * N) * double(size_of(s.dtype)) + (s.decodes() ? 8 : 4) * double(s.sequences) * E * N;
  c.work.flops = ssd_flops(s, kMamba2_27B);
  c.full = [s](Memory& m) { return ssd_scan(m, s, kMamba2_27B); };
  c.small = [s](Memory& m) { return ssd_scan(m, {2, s.decodes() ? 1 : 300, s.dtype, s.kept}, kSmallMamba2); };
  return c;
}

}  // namespace

std::vector<Case> scan_cases() {
  std::vector<Case> cases;
  for (auto* make : {selective_scan_case, ssd_scan_case}) {
    for (const int32_t sequences : {1, 8, 64}) {
      for (const Kept kept : {Kept::all, Kept::most, Kept::most_aligned}) {
        cases.push_back(make({sequences, 2048, DType::bf16, kept}));
      }
    }
    cases.push_back(make({8, 2048, DType::f32}));
    cases.push_back(make({8, 2048, DType::f16}));
    for (const int32_t sequences : {1, 64}) cases.push_back(make({sequences, 1, DType::bf16}));
  }
  return cases;
}

}  // namespace skipscan::bench
