#include "engine/vision_model.h"

#include <algorithm>
#include <cmath>

namespace skipscan {
namespace {

// What a pass would otherwise reach outside of its memory by. lib/ has checked all of it.
Status check(const VisionConfig& config, const VisionInput& in, const VisionOutput& out) {
  if (in.images < 1 || in.size.height < 1 || in.size.width < 1) {
    return fail(Code::native, "Expected images of at least one pixel.");
  }
  const PatchGrid grid = PatchGrid::of(config, in.size.height, in.size.width);
  if (grid.patches() < 1) return fail(Code::native, "Expected images of at least one patch.");
  const Reduction* r = in.reduction;
  if (!r) return {};
  if (out.hidden || r->metric == ImportanceMetric::state) {
    return fail(Code::native, "Expected a reduction of vision models, without hidden states.");
  }
  if (r->released_top && (config.family != VisionFamily::vim || grid.tokens() % 2 == 0)) {
    return fail(Code::native, "Expected a class token with as many patches before it as after it.");
  }
  return r->check(config.layers, in.images);
}

}  // namespace

VisionModel::VisionModel(VisionConfig config, std::shared_ptr<Device> device, DType dtype, int threads)
    : config_(std::move(config)), core_(device, threads), weights_(config_, dtype, std::move(device)) {}

Status VisionModel::load(const TensorSource& source) {
  std::lock_guard lock(core_.mutex());
  return weights_.load(source, core_.pool());
}

Status VisionModel::forward(const VisionInput& in, VisionOutput& out) {
  SKIPSCAN_TRY(check(config_, in, out));
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
