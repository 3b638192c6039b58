#include "models.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "cpu/cpu.h"
#include "cpu/device.h"

namespace engine_program {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "FAIL %s\n", what.c_str());
  std::exit(1);
}

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

// Of a size that keeps activations near 1.
Values random_weights(const WeightSlot& slot, uint32_t seed) {
  const auto within = [&](float low, float high) { return random_values(slot.elements(), low, high, seed); };
  const std::string& n = slot.name;
  if (has(n, "A_log") || has(n, "A_b_log")) return within(0, 2);
  if (has(n, "dt_bias") || (has(n, "dt_proj") && has(n, "bias"))) return within(-4, -1);
  const bool one_per_channel = slot.shape.size() == 1;
  if (has(n, "running_var") || (one_per_channel && (has(n, "weight") || has(n, ".D")))) return within(0.5, 1.5);
  if (one_per_channel || has(n, "pos_embed") || has(n, "cls_token") || has(n, "direction_Bs")) return within(-.3f, .3f);
  const float most = has(n, "embeddings") ? 1 : 1.7f / std::sqrt(float(slot.elements() / slot.shape[0]));
  return within(-most, most);
}

}  // namespace

std::vector<Case<LanguageModel>> language_cases(Scale scale) {
  const bool small = scale == Scale::small;
  ModelConfig mamba;
  mamba.family = Family::mamba;
  mamba.d_model = small ? 64 : 16;
  mamba.d_inner = 2 * mamba.d_model;
  mamba.layers = 2;
  mamba.vocab = small ? 400 : 40;
  mamba.d_state = 8;
  mamba.conv_width = 4;
  mamba.dt_rank = 4;
  mamba.tied_head = true;
  ModelConfig mamba2 = mamba;
  mamba2.family = Family::mamba2;
  mamba2.dt_rank = 0;
  mamba2.head_dim = 8;
  mamba2.heads = mamba2.d_inner / mamba2.head_dim;
  mamba2.norm_group_size = mamba2.d_inner;
  mamba2.dt_max = INFINITY;
  mamba2.tied_head = false;
  return {{"mamba f32", mamba, DType::f32},
          {"mamba i8", mamba, DType::i8},
          {"mamba2 f32", mamba2, DType::f32},
          {"mamba2 bf16", mamba2, DType::bf16}};
}

std::vector<Case<VisionModel>> vision_cases(Scale scale) {
  VisionConfig vim;
  vim.family = VisionFamily::vim;
  vim.d_model = scale == Scale::small ? 64 : 16;
  vim.layers = 2;
  vim.classes = 10;
  vim.d_inner = 2 * vim.d_model;
  vim.d_state = 8;
  vim.dt_rank = 4;
  vim.conv_width = 4;
  vim.patch = vim.stride = 4;
  vim.grid_rows = vim.grid_cols = 4;
  VisionConfig plain = vim;
  plain.family = VisionFamily::plain_mamba;
  plain.conv_width = 3;
  plain.stem_convs = 1;
  plain.depthwise_layers = {0};
  return {{"vim f32", vim, DType::f32}, {"vim f16", vim, DType::f16}, {"plain mamba f32", plain, DType::f32}};
}

std::shared_ptr<Device> Checkpoint::device() {
  std::string why;
  const Backend* backend = cpu::choose(&why);
  if (!backend) give_up(why);
  return cpu::open(*backend, false);
}

void Checkpoint::write(const std::vector<WeightSlot>& slots) {
  const char* folder = std::getenv("TMPDIR");
  path_ = std::string(folder && *folder ? folder : "/tmp") + "/skipscan-weights-XXXXXX";
  const int descriptor = mkstemp(path_.data());
  std::FILE* const file = descriptor < 0 ? nullptr : fdopen(descriptor, "wb");
  if (!file) give_up(path_ + ": cannot be written");
  int64_t offset = 0;
  for (const WeightSlot& slot : slots) {
    const Values values = random_weights(slot, uint32_t(sources_.size()) + 1);
    if (std::fwrite(values.data(), sizeof(float), values.size(), file) != values.size()) give_up(path_ + ": is full");
    sources_.push_back({slot.name, path_, offset, DType::f32});
    offset += int64_t(values.size() * sizeof(float));
  }
  if (std::fclose(file) != 0) give_up(path_ + ": is full");
}

Checkpoint::~Checkpoint() { unlink(path_.c_str()); }

void require(const Status& status, const std::string& what) {
  if (!status.ok()) give_up(what + ": " + name_of(status.code) + ": " + status.message);
}

void require_equal(const Values& got, const Values& expected, const std::string& what) {
  if (got.size() != expected.size()) give_up(what + ": another number of results");
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &expected[i], sizeof(float)) == 0) continue;
    give_up(what + ": result " + std::to_string(i) + " is " + std::to_string(got[i]) + " and not " +
            std::to_string(expected[i]));
  }
}

std::vector<int32_t> random_tokens(int64_t count, int32_t vocab, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = int32_t(random() % uint32_t(vocab));
  return tokens;
}

Values random_values(int64_t count, float low, float high, uint32_t seed) {
  std::mt19937 random(seed);
  Values values(static_cast<size_t>(count));
  for (float& value : values) value = low + (high - low) * float(random() >> 8) * 0x1p-24f;
  return values;
}

}  // namespace engine_program
