// Fills a model with weights from a fixed sequence of numbers.
#pragma once
#include <cstdlib>
#include <vector>

#include "engine/weights.h"
#include "memory_file.h"

namespace fuzz {

template <class Model>
void fill(Model& model) {
  MemoryFile file;
  uint32_t state = 1;
  for (const skipscan::WeightSlot& slot : model.weights().slots()) {
    std::vector<float> values(size_t(slot.elements()));
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = 0.5f + float(state >> 9) / 0x1p24f;  // above 0, as variances are
    }
    file.write(values.data(), values.size() * sizeof(float));
    if (!model.load({slot.name, file.path(), 0, skipscan::DType::f32}).ok()) std::abort();
  }
  if (!model.finish_loading().ok()) std::abort();
}

}  // namespace fuzz
