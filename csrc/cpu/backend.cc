#include "cpu/cpu.h"
#include "cpu/tables.h"

#include <cstdlib>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace skipscan::cpu {
namespace {

// Whether the processor has the matrix unit for bf16 and bytes, and the system lets this process use it.
bool allows_amx() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr unsigned kBf16 = 1u << 22, kTiles = 1u << 24, kBytes = 1u << 25, kWanted = kBf16 | kTiles | kBytes;
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kWanted) != kWanted) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

#if defined(__x86_64__)
// Conversions between f16 and float32: the AVX2 kernels use them, and a virtual machine may hide them.
bool has_f16c() {
#if defined(__linux__)
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
#else
  return true;  // every processor with AVX2 has them
#endif
}
#endif

std::vector<const Backend*> detect() {
  std::vector<const Backend*> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // These look at what the system saves of the registers too (XGETBV), not at the processor alone.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && allows_amx()) found.push_back(&avx512::amx_backend);
  if (avx512) found.push_back(&avx512::backend);
  if (avx2) found.push_back(&avx2::backend);
#endif
  found.push_back(&portable::backend);
  found.push_back(&reference::backend);
  return found;
}

}  // namespace

const std::vector<const Backend*>& available() {
  static const std::vector<const Backend*> found = detect();
  return found;
}

const Backend* choose(std::string* why) {
  const char* wanted = std::getenv("SKIPSCAN_CPU");
  if (!wanted || !*wanted) return available().front();
  std::string names;
  for (const Backend* b : available()) {
    if (std::string(b->name) == wanted) return b;
    names += names.empty() ? b->name : std::string(", ") + b->name;
  }
  *why = std::string("Expected one of ") + names + " for the environment variable SKIPSCAN_CPU but received " + wanted +
         "; this machine has no other. Unset it to use the best.";
  return nullptr;
}

}  // namespace skipscan::cpu
