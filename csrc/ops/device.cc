#include "ops/device.h"

#include <vector>

namespace skipscan {

Status download_floats(Device& device, float* to, ConstElements from, int64_t count) {
  if (from.dtype == DType::f32) return device.download(to, from.data, size_t(count) * sizeof(float));
  std::vector<uint16_t> bits(size_t(count), 0);
  SKIPSCAN_TRY(device.download(bits.data(), from.data, bits.size() * sizeof(bits[0])));
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t b = bits[size_t(i)];
    to[i] = from.dtype == DType::bf16 ? to_float(bf16{b}) : to_float(f16{b});
  }
  return {};
}

}  // namespace skipscan
