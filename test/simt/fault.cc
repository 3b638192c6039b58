#include "simt/fault.h"

#include <cstdio>
#include <cstdlib>

#include "simt/grid.h"

namespace simt {

void fail(const std::string& what) {
  const std::string where = describe_running();
  std::fprintf(stderr, "SIMT: %s%s%s\n", what.c_str(), where.empty() ? "" : "\n  in ", where.c_str());
  std::fflush(stderr);
  std::abort();
}

void explain_reports() {
#if defined(SIMT_ASAN) || defined(SIMT_TSAN)
  __sanitizer_set_death_callback([] { std::fprintf(stderr, "SIMT: in %s\n", describe_running().c_str()); });
#endif
}

}  // namespace simt
