// What is done with a vision model.
#include "models.h"

namespace engine_program {
namespace {

constexpr int32_t kImages = 2;

Status classify(VisionModel& model, ImageSize size, const Reduction* reduction, Values& results) {
  const Values pixels = random_values(int64_t(kImages) * 3 * size.height * size.width, -2, 2, 4);
  Values logits(size_t(kImages * model.config().classes));
  VisionOutput out;
  out.logits = logits.data();
  out.wants_scores = reduction != nullptr;
  SKIPSCAN_TRY(model.forward({.pixels = pixels.data(), .images = kImages, .size = size, .reduction = reduction}, out));
  results.insert(results.end(), logits.begin(), logits.end());
  for (const KeptRows& k : out.kept) results.insert(results.end(), k.positions.begin(), k.positions.end());
  return {};
}

Status forward(VisionModel& model, Values& results) { return classify(model, {16, 16}, nullptr, results); }

// An image of another size, for which tables are made anew, and one of the first again.
Status resize(VisionModel& model, Values& results) {
  SKIPSCAN_TRY(classify(model, {20, 28}, nullptr, results));
  return classify(model, {16, 16}, nullptr, results);
}

Status reduce(VisionModel& model, Values& results) {
  for (const auto policy : {ReductionPolicy::utrc, ReductionPolicy::prune, ReductionPolicy::merge}) {
    Reduction reduction;
    reduction.layers = {0};
    reduction.keep.assign(kImages, 0.6);
    reduction.policy = policy;
    reduction.q_hidden = reduction.q_residual = 0.5;
    reduction.protect_last = 0;
    if (model.config().has_class_token()) reduction.protect = {8};
    SKIPSCAN_TRY(classify(model, {16, 16}, &reduction, results));
  }
  return {};
}

}  // namespace

const std::vector<Scenario<VisionModel>>& Kind<VisionModel>::scenarios() {
  static const std::vector<Scenario<VisionModel>> all = {{"forward", forward}, {"resize", resize}, {"reduce", reduce}};
  return all;
}

}  // namespace engine_program
