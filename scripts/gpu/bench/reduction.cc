#include "problems.h"

namespace skipscan::bench {
namespace {

constexpr double kKeep = 0.8;

std::vector<int32_t> offsets_of(int32_t sequences, int32_t length) {
  std::vector<int32_t> offsets;
  for (int32_t s = 0; s <= sequences; ++s) offsets.push_back(s * length);
  return offsets;
}

Problem select_tokens(Memory& m, int32_t sequences, int32_t length, int64_t dim) {
  const int64_t rows = int64_t(sequences) * length;
  SelectTokensParams p{};
  p.scores = m.floats(rows, 0, 1);
  p.features = m.random(DType::bf16, rows * dim, -1, 1);
  p.offsets = m.ints(offsets_of(sequences, length));
  p.keep = m.doubles(std::vector<double>(size_t(sequences), kKeep));
  std::vector<Problem::Output> outputs;
  const auto output = [&](int64_t count) {
    outputs.push_back({m.output(DType::i32, count), count});
    return outputs.back().tensor.as<int32_t>();
  };
  p.kept = output(rows);
  p.kept_sizes = output(rows);
  p.kept_offsets = output(sequences + 1);
  p.dest_hidden = output(rows);
  p.dest_residual = output(rows);
  outputs.push_back({m.output(DType::f32, rows), rows});
  p.weights = outputs.back().tensor.f32();
  p.dim = dim;
  p.rows = int32_t(rows);
  p.sequences = sequences;
  p.longest = length;
  p.policy = ReductionPolicy::utrc;
  p.q_hidden = p.q_residual = 0.5;
  return {[p](const Backend& backend, ExecContext& context) { return backend.select_tokens.run(p, context); }, outputs};
}

Case select_tokens_case(int32_t sequences) {
  const double length = 2048, dim = 2560;
  Case c{"select_tokens", "utrc", shape_name(sequences, 2048, "D 2560 keep 0.8"), DType::bf16};
  c.work.bytes = sequences * length * dim * 2;
  c.work.flops = sequences * 2 * (length / 2) * (length / 2) * dim;  // the similarities of two halves
  c.full = [=](Memory& m) { return select_tokens(m, sequences, 2048, 2560); };
  c.small = [](Memory& m) { return select_tokens(m, 2, 200, 64); };
  return c;
}

Problem reduce_tokens(Memory& m, int32_t sequences, int32_t length, int64_t dim) {
  const int64_t rows = int64_t(sequences) * length;
  // Of five rows the last goes: half of these into the row before, half nowhere.
  std::vector<int32_t> kept, dest;
  for (int32_t row = 0; row < rows; ++row) {
    const bool goes = row % 5 == 4;
    if (!goes) kept.push_back(row);
    dest.push_back(!goes ? row : row % 2 ? row - 1 : -1);
  }
  const int64_t kept_rows = int64_t(kept.size());
  ReduceTokensParams p{};
  p.hidden = m.random(DType::bf16, rows * dim, -1, 1);
  p.residual = m.floats(rows * dim, -1, 1);
  p.dest_hidden = p.dest_residual = m.ints(dest);
  p.weights = m.floats(rows, 0.5, 1.5);
  p.kept = m.ints(kept);
  const Elements hidden = m.output(DType::bf16, kept_rows * dim), residual = m.output(DType::f32, kept_rows * dim);
  p.hidden_out = hidden;
  p.residual_out = residual.f32();
  p.rows = rows;
  p.kept_rows = kept_rows;
  p.dim = dim;
  return {[p](const Backend& backend, ExecContext& context) { return backend.reduce_tokens.run(p, context); },
          {{hidden, kept_rows * dim}, {residual, kept_rows * dim}}};
}

Case reduce_tokens_case(int32_t sequences) {
  Case c{"reduce_tokens", "both branches", shape_name(sequences, 2048, "D 2560 keep 0.8"), DType::bf16};
  // Of the rows, 80 % are read and written, and half of the others read.
  c.work.bytes = sequences * 2048.0 * 2560 * (2 + 4) * (0.9 + 0.8);
  c.full = [=](Memory& m) { return reduce_tokens(m, sequences, 2048, 2560); };
  c.small = [](Memory& m) { return reduce_tokens(m, 2, 200, 64); };
  return c;
}

}  // namespace

std::vector<Case> reduction_cases() {
  std::vector<Case> cases;
  for (const int32_t sequences : {1, 8}) {
    cases.push_back(select_tokens_case(sequences));
    cases.push_back(reduce_tokens_case(sequences));
  }
  return cases;
}

}  // namespace skipscan::bench
