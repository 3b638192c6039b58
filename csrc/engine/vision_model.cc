#include "engine/vision_model.h"

#include <algorithm>
#include <cmath>

namespace skipscan {

VisionModel::VisionModel(VisionConfig config, std::shared_ptr<Device> device, DType dtype, int threads)
    : config_(std::move(config)), core_(device, threads), weights_(config_, dtype, std::move(device)) {}

Status VisionModel::load(const TensorSource& source) {
  std::lock_guard lock(core_.mutex());
  return weights_.load(source, core_.pool());
}

Status VisionModel::forward(const VisionInput& in, VisionOutput& out) {
  const int64_t image = 3LL * in.size.height * in.size.width;
  const float* const end = in.pixels + in.images * image;
  if (const float* bad = std::find_if(in.pixels, end, [](float x) { return !std::isfinite(x); }); bad != end) {
    return fail(Code::argument, "Expected finite pixels but received " + std::to_string(*bad) + " at element " +
                                    std::to_string((bad - in.pixels) % image) + " of image " +
                                    std::to_string((bad - in.pixels) / image) + ".");
  }
  std::lock_guard lock(core_.mutex());
  const PatchGrid grid = PatchGrid::of(config_, in.size.height, in.size.width);
  if (!(tables_.grid() == grid)) {
    SKIPSCAN_TRY(GridTables::make(config_, weights_, grid, core_.shared_device(), &tables_));
  }
  const VisionSetting setting = {config_, weights_, tables_, core_.activations(weights_.dtype()), core_.device()};
  return core_.run(
      [&](Arena& arena) { return VisionWorkspace(arena, setting, in); },
      [&](VisionWorkspace& workspace) { return VisionPass(setting, in, out, workspace, core_.pool()).run(); });
}

}  // namespace skipscan
