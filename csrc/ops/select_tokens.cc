#include "ops/select_tokens.h"

#include <cmath>

namespace skipscan {

Status non_finite(const char* what, int64_t row, float value) {
  std::string message = "Expected finite ";
  message += what;
  message += " but row " + std::to_string(row) + " has ";
  message += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  return fail(Code::argument, message + ". Nothing was removed; look where the values come from.");
}

}  // namespace skipscan
