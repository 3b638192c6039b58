// Token selection on the CPU: everything but the similarities, which are a matrix product and come as a kernel of the
// instruction set. This part has no vector code and is compiled once.
#pragma once
#include "ops/select_tokens.h"

namespace skipscan::cpu {

// One of the two sets of rows whose features are compared, ascending. The squared norm of rows[i] is
// squares[i] / scales[i]^2, where the scale is a power of two that brings the square near 1, so that no product of two
// leaves the range of float32; a zero row has scale 0. Hence the cosine is dot * scale * scale / sqrt(square * square).
struct HalfSet {
  const int32_t* rows;
  int64_t count;
  const float *squares, *scales;

  HalfSet part(int64_t first, int64_t size) const { return {rows + first, size, squares + first, scales + first}; }
};

// The most similar destination of each source.
struct Matches {
  float* cosines;         // (sources)
  int32_t* destinations;  // (sources) rows
};

// Destinations that are compared at a time: the kernel's workspace has room for so many rows of features.
constexpr int64_t kBlockDestinations = 512;

struct SimilarityKernel {
  // squares[i] = the squared norm of the features of rows[i], summed in the order of the products below: so the cosine of
  // two equal rows is exactly 1.
  void (*squared_norms)(const SelectTokensParams&, const int32_t* rows, int64_t count, float* squares, ThreadPool&);

  // Updates `matches` where a cosine is larger. A source without a candidate keeps what it has.
  void (*match)(const SelectTokensParams&, const HalfSet& sources, const HalfSet& destinations, float* workspace,
                const Matches& matches, ThreadPool&);
};

Status select_tokens(const SelectTokensParams& p, const SimilarityKernel& kernel, ThreadPool& pool);

}  // namespace skipscan::cpu
