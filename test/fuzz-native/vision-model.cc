// Tiny vision models of either family: images of any size with any reduction. A call is refused, or runs inside of its memory.
#include "cpu/device.h"
#include "cpu/tables.h"
#include "drawn_reduction.h"
#include "engine/vision_model.h"
#include "ready_model.h"

namespace {

using namespace skipscan;

constexpr int32_t kLayers = 2, kClasses = 3, kChannels = 4;

std::unique_ptr<VisionModel> make_model(bool plain, const Backend& backend) {
  VisionConfig c = {.family = plain ? VisionFamily::plain_mamba : VisionFamily::vim,
                    .d_model = kChannels,
                    .layers = kLayers,
                    .classes = kClasses};
  c.d_inner = 8;
  c.d_state = 3;
  c.dt_rank = 1;
  c.conv_width = 3;
  c.patch = 4;
  c.stride = plain ? 4 : 2;
  c.grid_rows = 2;
  c.grid_cols = 3;
  if (plain) c.depthwise_layers = {1};
  auto model = std::make_unique<VisionModel>(c, cpu::open(backend, false), DType::f32, 1);
  fuzz::fill(*model);
  return model;
}

constexpr float kPixels[] = {0, 1, -2, 1e30f, -1e30f, 1e-40f, std::numeric_limits<float>::quiet_NaN()};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<VisionModel> models[] = {make_model(false, cpu::portable::backend),
                                                        make_model(true, cpu::portable::backend),
                                                        make_model(false, cpu::reference::backend)};
  FuzzedDataProvider bytes(data, size);
  VisionModel& model = *models[bytes.ConsumeIntegralInRange<size_t>(0, std::size(models) - 1)];
  const int32_t images = bytes.ConsumeIntegralInRange(0, 3);
  const ImageSize image = {bytes.ConsumeIntegralInRange(-4, 17), bytes.ConsumeIntegralInRange(-4, 17)};
  const int64_t count = int64_t(images) * 3 * image.height * image.width;
  std::vector<float> pixels(size_t(std::max<int64_t>(0, count)));
  uint32_t state = bytes.ConsumeIntegral<uint8_t>();
  for (float& pixel : pixels) {
    state = state * 1664525u + 1013904223u;
    pixel = float(state >> 8) / 0x1p23f - 1;
  }
  if (!pixels.empty() && bytes.ConsumeBool()) {
    const auto at = bytes.ConsumeIntegralInRange<size_t>(0, pixels.size() - 1);
    pixels[at] = kPixels[bytes.ConsumeIntegralInRange<size_t>(0, std::size(kPixels) - 1)];
  }
  const Reduction reduction = fuzz::draw_reduction(bytes, kLayers, images);
  std::vector<float> logits(size_t(images) * kClasses), features(size_t(images) * kChannels), branches[2];
  VisionOutput out;
  out.logits = logits.data();
  if (bytes.ConsumeBool()) out.features = features.data();
  out.wants_scores = bytes.ConsumeBool();
  const PatchGrid grid = PatchGrid::of(model.config(), image.height, image.width);
  if (bytes.ConsumeIntegral<uint8_t>() > 200 && grid.patches() > 0) {
    for (std::vector<float>& branch : branches) branch.resize(features.size() * kLayers * size_t(grid.tokens()));
    out.hidden = branches[0].data();
    out.residual = branches[1].data();
  }
  (void)model.forward({.pixels = pixels.data(),
                       .images = images,
                       .size = image,
                       .reduction = bytes.ConsumeBool() ? &reduction : nullptr},
                      out);
  return 0;
}
