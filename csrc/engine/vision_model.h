// A ViM or PlainMamba on a device.
#pragma once
#include "engine/model_core.h"
#include "engine/vision_pass.h"

namespace skipscan {

class VisionModel {
 public:
  VisionModel(VisionConfig config, std::shared_ptr<Device> device, DType dtype, int threads);

  const VisionConfig& config() const { return config_; }
  const Backend& backend() const { return core_.device().backend(); }
  const VisionWeights& weights() const { return weights_; }

  Status load(const TensorSource& source);
  Status finish_loading() const { return weights_.complete(); }

  Status forward(const VisionInput& in, VisionOutput& out);

  ModelCore& core() { return core_; }

  size_t workspace_bytes() const { return core_.workspace_bytes(); }

 private:
  const VisionConfig config_;
  ModelCore core_;
  VisionWeights weights_;
  GridTables tables_;  // of the grid that was seen last
};

}  // namespace skipscan
