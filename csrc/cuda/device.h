// NVIDIA GPUs as devices.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ops/device.h"

namespace skipscan::cuda {

struct Gpu {
  std::string name;
  size_t memory = 0;  // bytes
  int major = 0, minor = 0, multiprocessors = 0;

  int capability() const { return major * 10 + minor; }
};

struct System {
  std::vector<Gpu> gpus;        // by ordinal
  int driver = 0, runtime = 0;  // CUDA versions as 1000 * major + 10 * minor; 0: there is none
  std::string why;              // there are no gpus
};

// Looked at once.
const System& inspect();

// A queue of its own on the GPU. ERR_DEVICE when it cannot be used, ERR_OUT_OF_MEMORY.
Status open(int ordinal, std::shared_ptr<Device>* out);

}  // namespace skipscan::cuda
