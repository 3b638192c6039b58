// The CPU as a device.
#pragma once
#include <memory>

#include "ops/device.h"

namespace skipscan::cpu {

std::shared_ptr<Device> open(const Backend& backend);

}  // namespace skipscan::cpu
