// The operator tables of the CPU backends. Every file below cpu/ except reference/, backend.cc, limits.cc and selection.cc is compiled
// once for each instruction set, inside a namespace of that name (simd.h), so that kernels are written once; linear_amx*.cc for
// AVX-512 alone.
#pragma once
#include "cpu/probes.h"
#include "ops/backend.h"

namespace skipscan::cpu {

constexpr int32_t kTileRows = 256;  // so many rows' activations stay in the second cache

#if defined(__x86_64__)
namespace avx512 {
extern const Backend backend;
extern const Backend amx_backend;  // the same, but products on the matrix unit
extern const Probes probes;
}  // namespace avx512
namespace avx2 {
extern const Backend backend;
extern const Probes probes;
}  // namespace avx2
#endif
namespace portable {
extern const Backend backend;
extern const Probes probes;
}  // namespace portable
namespace reference {
extern const Backend backend;
}

}  // namespace skipscan::cpu
