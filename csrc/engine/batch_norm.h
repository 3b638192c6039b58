// A batch norm of a trained model: a scale and a shift for each channel, which a convolution before it takes up.
//   (x - mean) / sqrt(variance + eps) * weight + bias = x * scale + shift
#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

namespace skipscan {

struct BatchNorm {
  float eps = 1e-5f;
  std::vector<float> weight, bias, mean, variance;  // (channels), empty until they are loaded
  float** shift_target = nullptr;                   // the bias of the convolution that the norm is folded into

  bool loaded() const { return !weight.empty() && !bias.empty() && !mean.empty() && !variance.empty(); }
  // Not finite where the variance is below zero.
  double scale(size_t channel) const { return weight[channel] / std::sqrt(double(variance[channel]) + eps); }
  double shift(size_t channel) const { return bias[channel] - mean[channel] * scale(channel); }
};

}  // namespace skipscan
