#include "problems.h"

namespace skipscan::bench {
namespace {

constexpr float kEpsilon = 1e-5f;
constexpr int32_t kTaps = 4;

double bytes_of(DType dtype) { return double(size_of(dtype)); }

Problem causal_conv(Memory& m, int32_t sequences, int32_t steps, Kept kept, DType dtype, int64_t channels) {
  const Path path(sequences, steps, kept);
  const int64_t size = path.rows * channels;
  CausalConvParams p{};
  p.x = m.random(dtype, size, -1, 1);
  p.weight = m.floats(kTaps * channels, -0.5, 0.5);
  p.bias = m.floats(channels, -0.5, 0.5);
  const Elements y = m.output(dtype, size);
  p.y = y;
  p.path = path.place(m);
  p.channels = p.x_stride = p.y_stride = channels;
  p.width = kTaps;
  p.silu = true;
  return {[p](const Backend& backend, ExecContext& context) { return backend.causal_conv.run(p, context); },
          {{y, size}}};
}

Case causal_conv_case(int32_t sequences, Kept kept) {
  const DType dtype = DType::bf16;
  const double channels = 5120, steps = 2048;
  Case c{"causal_conv", kept == Kept::all ? "dense" : "gathered", shape_name(sequences, 2048, "C 5120 W 4"), dtype};
  c.work.bytes = 2 * sequences * steps * channels * bytes_of(dtype);
  c.work.exponentials = sequences * steps * channels;
  c.full = [=](Memory& m) { return causal_conv(m, sequences, 2048, kept, dtype, 5120); };
  c.small = [=](Memory& m) { return causal_conv(m, 2, 100, kept, dtype, 64); };
  return c;
}

Problem rms_norm(Memory& m, int64_t rows, int64_t dim) {
  RmsNormParams p{};
  p.x = m.random(DType::bf16, rows * dim, -1, 1);
  p.residual_in = m.floats(rows * dim, -1, 1);
  p.weight = m.floats(dim, 0.5, 1.5);
  const Elements residual = m.output(DType::f32, rows * dim), out = m.output(DType::bf16, rows * dim);
  p.residual_out = residual.f32();
  p.out = out;
  p.rows = rows;
  p.dim = dim;
  p.eps = kEpsilon;
  return {[p](const Backend& backend, ExecContext& context) { return backend.rms_norm.run(p, context); },
          {{out, rows * dim}, {residual, rows * dim}}};
}

Case rms_norm_case(int64_t rows) {
  Case c{"rms_norm", "with residual", "rows " + std::to_string(rows) + " dim 2560", DType::bf16};
  c.work.bytes = double(rows) * 2560 * (2 + 4 + 4 + 2);
  c.full = [=](Memory& m) { return rms_norm(m, rows, 2560); };
  c.small = [](Memory& m) { return rms_norm(m, 9, 256); };
  return c;
}

Problem gated_rms_norm(Memory& m, int64_t rows, int64_t dim) {
  GatedRmsNormParams p{};
  p.y = m.random(DType::bf16, rows * dim, -1, 1);
  p.z = m.random(DType::bf16, rows * dim, -2, 2);
  p.weight = m.floats(dim, 0.5, 1.5);
  const Elements out = m.output(DType::bf16, rows * dim);
  p.out = out;
  p.rows = rows;
  p.dim = p.z_stride = p.group_size = dim;
  p.eps = kEpsilon;
  return {[p](const Backend& backend, ExecContext& context) { return backend.gated_rms_norm.run(p, context); },
          {{out, rows * dim}}};
}

Case gated_rms_norm_case(int64_t rows) {
  Case c{"gated_rms_norm", "one group", "rows " + std::to_string(rows) + " dim 5120", DType::bf16};
  c.work.bytes = double(rows) * 5120 * 3 * 2;
  c.work.exponentials = double(rows) * 5120;
  c.full = [=](Memory& m) { return gated_rms_norm(m, rows, 5120); };
  c.small = [](Memory& m) { return gated_rms_norm(m, 9, 256); };
  return c;
}

Problem linear(Memory& m, int64_t rows, int64_t outputs, int64_t inputs, DType y_dtype) {
  LinearParams p{};
  p.x = m.random(DType::bf16, rows * inputs, -1, 1);
  const Elements weight = m.random(DType::bf16, outputs * inputs, -0.1f, 0.1f);
  p.weight = {weight.data, weight.dtype, outputs, inputs, 1};
  const Elements y = m.output(y_dtype, rows * outputs);
  p.y = y;
  p.rows = rows;
  p.x_stride = inputs;
  p.y_stride = outputs;
  return {[p](const Backend& backend, ExecContext& context) { return backend.linear.run(p, context); },
          {{y, rows * outputs}}};
}

// The head's logits are float32.
Case linear_case(const char* variant, int64_t rows, int64_t outputs, int64_t inputs, DType y_dtype = DType::bf16) {
  Case c{"linear", variant,
         "rows " + std::to_string(rows) + " " + std::to_string(inputs) + " to " + std::to_string(outputs), DType::bf16};
  c.work.bytes =
      bytes_of(DType::bf16) * double(outputs * inputs + rows * inputs) + bytes_of(y_dtype) * double(rows * outputs);
  c.work.flops = 2 * double(rows) * double(outputs) * double(inputs);
  c.full = [=](Memory& m) { return linear(m, rows, outputs, inputs, y_dtype); };
  c.small = [=](Memory& m) { return linear(m, std::min<int64_t>(rows, 70), 136, 192, y_dtype); };
  return c;
}

}  // namespace

std::vector<Case> row_cases() {
  std::vector<Case> cases;
  for (const int32_t sequences : {1, 8}) {
    cases.push_back(causal_conv_case(sequences, Kept::all));
    cases.push_back(causal_conv_case(sequences, Kept::most));
  }
  for (const int64_t rows : {1, 2048, 16384}) {
    cases.push_back(rms_norm_case(rows));
    cases.push_back(gated_rms_norm_case(rows));
    cases.push_back(linear_case("in_proj", rows, 10240, 2560));
    cases.push_back(linear_case("out_proj", rows, 2560, 5120));
  }
  cases.push_back(linear_case("in_proj", 16, 10240, 2560));
  cases.push_back(linear_case("head", 1, 50280, 2560, DType::f32));
  cases.push_back(linear_case("x_proj", 2048, 192, 5120));
  return cases;
}

}  // namespace skipscan::bench
