// Devices by the names that JavaScript gives them.
#pragma once
#include <memory>
#include <string>

#include "ops/device.h"

namespace skipscan::binding {

// A device with a queue of its own: "cpu" with the kernels chosen for this machine, or "cuda:<number>". ERR_DEVICE or
// ERR_ARGUMENT when there is none of this name.
Status open_device(const std::string& name, std::shared_ptr<Device>* out);

// The one that operators and tensors share; for the CPU, `backend` names the kernels, or is empty for the chosen ones.
Status shared_device(const std::string& name, const std::string& backend, std::shared_ptr<Device>* out);

}  // namespace skipscan::binding
