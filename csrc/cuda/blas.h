// NVIDIA's cuBLASLt, where a machine has it: looked for when a GPU is opened, never needed. SKIPSCAN_CUBLASLT is the path of the
// library to use, or "off".
#pragma once
#include <memory>
#include <string>

#include "cuda/stream.h"
#include "ops/linear.h"

namespace skipscan::cuda {

class Blas {
 public:
  // Null where no library can be used.
  static std::unique_ptr<Blas> open(int ordinal);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  // Queues y = x weight^T, without the bias, accumulated in float32. False, and nothing is queued, for what cuBLASLt does not
  // take. Neither waits nor allocates device memory: it may be recorded in a graph.
  bool multiply(const LinearParams& p, cudaStream_t stream);

  // Which library it is, as in "libcublasLt.so.13 (version 130100)".
  const std::string& description() const;

 private:
  struct Library;
  struct Plans;
  Blas();

  std::unique_ptr<Library> library_;
  std::unique_ptr<Plans> plans_;
};

}  // namespace skipscan::cuda
