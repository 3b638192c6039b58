// What the environment says of the emulated GPU (cuda_runtime.h has the list).
#pragma once
#include <cstddef>
#include <cstdint>

namespace simt {

enum class Order { forward, reverse, random };

struct Settings {
  Order order = Order::forward;
  uint64_t seed = 1;
  bool eager = false;
  bool driver = true;
  int devices = 1;
  int capability = 90;
  size_t memory = size_t(8) << 30;
  long failing_launch = 0;  // counted from 1; 0 is none

  // The most bytes of shared memory that a block can have.
  size_t shared_limit() const;
};

// Read once.
const Settings& settings();

}  // namespace simt
