// Loading weights: any slot from any place of a file of any content. A tensor is refused, or loaded; and a model all of whose tensors
// were loaded runs.
#include <fuzzer/FuzzedDataProvider.h>

#include <limits>

#include "cpu/device.h"
#include "cpu/tables.h"
#include "engine/language_model.h"
#include "engine/vision_model.h"
#include "memory_file.h"

namespace {

using namespace skipscan;

ModelConfig language_config(bool two) {
  ModelConfig c = {.family = two ? Family::mamba2 : Family::mamba, .d_model = 4, .layers = 1, .vocab = 5};
  c.d_inner = 8;
  c.d_state = 3;
  c.conv_width = 2;
  c.dt_rank = 1;
  c.heads = 2;
  c.head_dim = 4;
  c.norm_group_size = 8;
  c.dt_max = std::numeric_limits<float>::infinity();
  c.tied_head = true;
  return c;
}

VisionConfig vision_config(bool plain) {
  VisionConfig c = {
      .family = plain ? VisionFamily::plain_mamba : VisionFamily::vim, .d_model = 4, .layers = 1, .classes = 2};
  c.d_inner = 8;
  c.d_state = 2;
  c.dt_rank = 1;
  c.conv_width = 3;
  c.patch = c.stride = 4;
  c.grid_rows = c.grid_cols = 1;
  if (plain) c.depthwise_layers = {0};
  return c;
}

constexpr DType kDtypes[] = {DType::f32, DType::bf16, DType::f16, DType::i8};
constexpr int64_t kOffsets[] = {-1, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(),
                                std::numeric_limits<int64_t>::max() - 15, int64_t(1) << 40};

// Loads as long as there are bytes. Returns whether nothing is missing.
template <class Model>
bool load(FuzzedDataProvider& bytes, Model& model) {
  static fuzz::MemoryFile file;
  // Weights of ones, of anything, or a file that is too short.
  std::vector<float> ones(2000, bytes.ConsumeBool() ? 1.f : 0.25f);
  std::string content = bytes.ConsumeRandomLengthString(2000);
  if (bytes.ConsumeBool()) content.append(reinterpret_cast<const char*>(ones.data()), ones.size() * sizeof(float));
  file.write(content.data(), content.size());
  const auto& slots = model.weights().slots();
  const bool in_order = bytes.ConsumeBool();
  for (size_t i = 0; in_order ? i < slots.size() : bytes.remaining_bytes() > 0; ++i) {
    TensorSource source;
    const size_t slot = in_order ? i : bytes.ConsumeIntegralInRange<size_t>(0, slots.size());
    source.slot = slot < slots.size() ? slots[slot].name : "another";
    source.file = bytes.ConsumeIntegral<uint8_t>() == 1 ? "/proc/self/fd/none" : file.path();
    source.dtype = bytes.ConsumeIntegral<uint8_t>() < 200 ? DType::f32 : bytes.PickValueInArray(kDtypes);
    source.offset = bytes.ConsumeIntegral<uint8_t>() == 1 ? bytes.PickValueInArray(kOffsets)
                                                          : bytes.ConsumeIntegralInRange<int64_t>(0, 8000);
    (void)model.load(source);
  }
  return model.finish_loading().ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider bytes(data, size);
  const auto device = cpu::open(bytes.ConsumeBool() ? cpu::portable::backend : cpu::reference::backend, false);
  const DType dtype = bytes.PickValueInArray(kDtypes);
  if (bytes.ConsumeBool()) {
    LanguageModel model(language_config(bytes.ConsumeBool()), device, dtype, 1);
    if (!load(bytes, model)) return 0;
    const int32_t tokens[] = {0, 4, 1};
    float logits[5];
    ForwardOutput out{.logits = logits, .last_only = true, .hidden = nullptr, .kept = {}};
    (void)model.forward({.batch = {tokens, {0, 3}}}, out);
  } else {
    VisionModel model(vision_config(bytes.ConsumeBool()), device, dtype, 1);
    if (!load(bytes, model)) return 0;
    const std::vector<float> pixels(3 * 4 * 8, 0.5f);
    float logits[2];
    VisionOutput out;
    out.logits = logits;
    (void)model.forward({.pixels = pixels.data(), .images = 1, .size = {4, 8}}, out);
  }
  return 0;
}
