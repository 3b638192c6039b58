#include "binding/devices.h"

#include <map>
#include <mutex>
#include <tuple>

#include "cpu/cpu.h"
#include "cpu/device.h"
#ifdef SKIPSCAN_CUDA
#include "cuda/device.h"
#endif

namespace skipscan::binding {
namespace {

Status find_cpu_backend(const std::string& name, const Backend** out) {
  if (name.empty()) {
    std::string why;
    *out = cpu::choose(&why);
    return *out ? Status() : fail(Code::argument, why);
  }
  for (const Backend* backend : cpu::available()) {
    if (backend->name == name) {
      *out = backend;
      return {};
    }
  }
  return fail(Code::argument, "Expected a backend that this machine has for native argument backend.");
}

Status open(const std::string& name, const std::string& backend_name, bool bf16_inputs, std::shared_ptr<Device>* out) {
  if (name == "cpu") {
    const Backend* backend;
    SKIPSCAN_TRY(find_cpu_backend(backend_name, &backend));
    *out = cpu::open(*backend, bf16_inputs);
    return {};
  }
#ifdef SKIPSCAN_CUDA
  if (name.starts_with("cuda:")) return cuda::open(std::atoi(name.c_str() + 5), out);
#endif
  return fail(Code::device, "Device " + name + " is not there: this build has no kernels for it. Use 'cpu'.");
}

}  // namespace

Status open_device(const std::string& name, bool bf16_inputs, std::shared_ptr<Device>* out) {
  return open(name, "", bf16_inputs, out);
}

Status shared_device(const std::string& name, const std::string& backend, bool bf16_inputs,
                     std::shared_ptr<Device>* out) {
  // Never destroyed: an operator may still run while the process exits.
  static auto* mutex = new std::mutex;
  static auto* devices = new std::map<std::tuple<std::string, std::string, bool>, std::shared_ptr<Device>>;
  std::lock_guard lock(*mutex);
  std::shared_ptr<Device>& device = (*devices)[{name, backend, bf16_inputs}];
  if (!device) SKIPSCAN_TRY(open(name, backend, bf16_inputs, &device));
  *out = device;
  return {};
}

}  // namespace skipscan::binding
