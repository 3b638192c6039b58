// Devices by the names that JavaScript gives them.
#pragma once
#include <memory>
#include <string>

#include "binding/convert.h"
#include "ops/device.h"

namespace skipscan::binding {

// What { activations } asks of the CPU: 'bf16' is ExecContext::bf16_inputs (op.h).
inline bool rounds_inputs(const Fields& options) {
  return options.has("activations") && options.dtype("activations") == DType::bf16;
}

// A device with a queue of its own: "cpu" with the kernels chosen for this machine, or "cuda:<number>". bf16_inputs is of the
// CPU: see ExecContext (op.h). ERR_DEVICE or ERR_ARGUMENT when there is none of this name.
Status open_device(const std::string& name, bool bf16_inputs, std::shared_ptr<Device>* out);

// The one that operators and tensors share; for the CPU, `backend` names the kernels, or is empty for the chosen ones.
Status shared_device(const std::string& name, const std::string& backend, bool bf16_inputs,
                     std::shared_ptr<Device>* out);

}  // namespace skipscan::binding
