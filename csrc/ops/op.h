// What an operator is: one params struct, whether a backend can run it, and running it; what that costs is work_of(params).
#pragma once
#include <string>

#include "core/status.h"
#include "core/thread_pool.h"
#include "ops/profile.h"

namespace skipscan {

// Whether a backend has a kernel for these params; `why` is the sentence the user reads when it has not.
struct Support {
  bool ok = true;
  std::string why;
};

namespace cuda {
class Stream;
}

// Where an operator runs, and which kernel it chose.
struct ExecContext {
  ThreadPool& pool;
  cuda::Stream* stream = nullptr;  // what a GPU's kernels are queued on; null on the CPU
  bool bf16_inputs = false;        // the CPU's products with bf16 weights may round what they read to bf16 as well
  const char* route = "";          // out: the kernel that ran, such as "avx512" or "cuda/sequential"; tests assert it
  Profile* profile = nullptr;      // what operators' times are added up in; null: they are not measured
};

// Params hold pointers with their shapes and strides (in elements). They were checked before a backend sees
// them: sizes are positive, pointers that are not marked "or null" are set, path rows lie inside the tensors. All pointers
// are to memory of the device that the backend computes on.
template <class Params>
struct Op {
  Support (*supports)(const Params&);
  Status (*kernel)(const Params&, ExecContext&);  // never throws for bad params, never aborts the process

  Status run(const Params& p, ExecContext& context) const {
    if (!context.profile) return kernel(p, context);
    return context.profile->time(work_of(p), [&] { return kernel(p, context); });
  }
};

}  // namespace skipscan
