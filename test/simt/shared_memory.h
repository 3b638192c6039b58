// The shared memory of the block that runs.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

namespace simt {

class SharedMemory {
 public:
  // For a new block: everything is 0xFF, which is NaN as floats.
  void begin(size_t dynamic_bytes);
  // Fails when a thread has written past the end of a variable.
  void end();

  // Null where the launch gave none.
  void* dynamic();
  void* variable(const void* declaration, size_t bytes);

 private:
  // Memory of its own for each variable, so that the sanitizers see where it ends, and new for each block, so
  // that blocks, which have nothing to do with one another, do not race for it.
  struct Variable {
    const void* declaration;
    size_t bytes;
    unsigned char* memory;
  };
  void* add(const void* declaration, size_t bytes);

  std::vector<Variable> variables_;
  size_t bytes_ = 0;
};

}  // namespace simt
