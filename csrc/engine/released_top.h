// What the public code of ToP-ViM (arXiv 2409.18962) computes, for people who compare with it: not what its text says.
//
// Tokens are scored by the sum of the backward scan's gated output, in the order of that scan, and the scores are not turned
// round: token i is kept for the score of token rows - 1 - i. The class token stays and is put into the middle of the tokens
// kept, wherever it was among them. What is left is a sequence like any other: no alignment.
#pragma once
#include <cstdint>
#include <vector>

namespace skipscan {

// How many of `rows` tokens stay, the class token included: an odd number, so that there is a middle.
int64_t released_top_count(int64_t rows, double keep);

// The rows that stay of one image, in their new order. `scores` are the rows' own. Of equal scores the earlier token stays.
std::vector<int32_t> released_top_rows(const float* scores, int64_t rows, int64_t kept);

}  // namespace skipscan
