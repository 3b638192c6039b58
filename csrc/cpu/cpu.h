// The CPU backends: one per instruction set, chosen at run time, and the plain-loop reference they are tested
// against.
#pragma once
#include <string>
#include <vector>

#include "ops/backend.h"

namespace skipscan::cpu {

// Every backend this machine can run, best first; "reference" is the last and never chosen by itself.
const std::vector<const Backend*>& available();

// The best one, or the one that the environment variable SKIPSCAN_CPU names. Null when that names one that is
// not available: `why` then says what was found and what there is.
const Backend* choose(std::string* why);

}  // namespace skipscan::cpu
