// The CPU as a device.
#pragma once
#include <memory>

#include "ops/device.h"

namespace skipscan::cpu {

// bf16_inputs: see ExecContext (op.h).
std::shared_ptr<Device> open(const Backend& backend, bool bf16_inputs);

}  // namespace skipscan::cpu
