#include "ops/select_tokens.h"

#include <algorithm>
#include <cmath>

namespace skipscan {

int64_t keep_count(int64_t tokens, int64_t protected_tokens, double keep) {
  return std::min(tokens, std::max(int64_t(std::ceil(keep * double(tokens))), protected_tokens + 1));
}

int64_t drop_count(double q, int64_t removed) { return int64_t(std::floor(q * double(removed) + 0.5)); }

uint32_t random_key(uint64_t seed, uint32_t layer, uint32_t position) {
  uint32_t counter[4] = {position, layer, 0, 0};
  uint32_t key[2] = {uint32_t(seed), uint32_t(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t even = uint64_t(0xD2511F53) * counter[0], odd = uint64_t(0xCD9E8D57) * counter[2];
    counter[0] = uint32_t(odd >> 32) ^ counter[1] ^ key[0];
    counter[1] = uint32_t(odd);
    counter[2] = uint32_t(even >> 32) ^ counter[3] ^ key[1];
    counter[3] = uint32_t(even);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter[0];
}

Status non_finite(const char* what, int64_t row, float value) {
  std::string message = "Expected finite ";
  message += what;
  message += " but row " + std::to_string(row) + " has ";
  message += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  return fail(Code::argument, message + ". Nothing was removed; look where the values come from.");
}

}  // namespace skipscan
