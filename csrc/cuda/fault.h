// What kernels report about numbers that are not finite (fault.cuh), as an error.
#pragma once
#include "core/status.h"

namespace skipscan::cuda {

constexpr unsigned long long kNoFault = ~0ull;

// The error for a word that is not kNoFault; `layer`, unless null, is set to the layer it happened in.
Status describe_fault(unsigned long long fault, int* layer);

}  // namespace skipscan::cuda
