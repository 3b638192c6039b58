// What is measured: operators at the shapes of Mamba-2.8B and Mamba-2-2.7B, with the least work that each must do.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "memory.h"
#include "ops/backend.h"

namespace skipscan::bench {

// What a kernel cannot do without: device memory moved (every input read once, every output written once), exponentials, and
// operations of matrix products (a multiply-add is two).
struct Work {
  double bytes = 0, exponentials = 0, flops = 0;
};

// An operator with its tensors.
struct Problem {
  struct Output {
    Elements tensor;
    int64_t count;
  };
  std::function<Status(const Backend&, ExecContext&)> run;
  std::vector<Output> outputs;
};

struct Case {
  std::string op, variant, shape;  // shape as the peers' script writes it, by which results are put side by side
  DType dtype;
  Work work = {};
  std::function<Problem(Memory&)> full = {};   // at the shape
  std::function<Problem(Memory&)> small = {};  // the same, so small that the reference can be asked
};

// How a path of `steps` kept rows for each sequence lies in its rows.
enum class Kept { all, most, most_aligned };  // every row; 70 % of the rows; the same with Alignment::next

// For each file: the cases of its operators.
std::vector<Case> scan_cases();       // scans.cc: selective_scan, ssd_scan
std::vector<Case> row_cases();        // rows.cc: causal_conv, norms, linear
std::vector<Case> reduction_cases();  // reduction.cc: select_tokens, reduce_tokens

// ---- for the files above

// A packed batch: `sequences` of `steps` kept rows each.
struct Path {
  std::vector<int32_t> index, gap, offsets;
  int32_t sequences = 0, steps = 0;
  int64_t rows = 0;  // of the tensors

  Path(int32_t sequences, int32_t steps, Kept kept);
  PathView place(Memory& memory) const;
};

std::string shape_name(int64_t sequences, int64_t steps, const std::string& rest);

}  // namespace skipscan::bench
