// The paths over a grid through the rows that are left (docs/reduction.md, section 1). A whole path of direction d visits the
// positions orders[d][0], orders[d][1], ...; of it, only those steps remain whose position has a row:
//   step k of sequence s, offsets[s] <= k < offsets[s+1], reads row index[d][k], stands at rank r of the whole path, advances
//   gap[d][k] = r - the rank of the step before (the first: r + 1), and has the label labels[d][r]
#pragma once
#include "ops/op.h"

namespace skipscan {

struct ScanPathsParams {
  const int32_t* positions;  // (rows) rising within a sequence, each below `places`
  const int32_t* offsets;    // (sequences + 1): sequence s is rows offsets[s] .. offsets[s+1]-1
  const int32_t* orders;     // (directions, places) each a permutation of 0 .. places-1
  const int32_t* labels;     // (directions, places) or null: none
  int32_t* row_at;           // (places, sequences) the row at each position, -1: none
  int32_t* index;            // (directions, rows)
  int32_t* gap;              // (directions, rows)
  int32_t* label;            // (directions, rows); null as labels
  int64_t rows;
  int32_t sequences, places, directions;
};

}  // namespace skipscan
