#include "engine/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/buffer.h"
#include "engine/tensor_file.h"
#include "ops/pack.h"

namespace skipscan {
namespace {

constexpr int64_t kStagingBytes = 4 << 20;  // file bytes in memory at once, besides the packed weights

// FNV-1a over 8-byte words: enough to tell two models apart, and fast enough not to be noticed while loading.
void add_to_hash(const void* data, size_t bytes, uint64_t* hash) {
  const auto* p = static_cast<const unsigned char*>(data);
  uint64_t h = *hash, word;
  for (; bytes >= sizeof word; p += sizeof word, bytes -= sizeof word) {
    std::memcpy(&word, p, sizeof word);
    h = (h ^ word) * 0x100000001b3ull;
    h ^= h >> 29;  // a plain multiplication never carries high bits down
  }
  for (; bytes > 0; ++p, --bytes) h = (h ^ *p) * 0x100000001b3ull;
  *hash = h;
}

uint64_t hash_of(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  add_to_hash(text.data(), text.size(), &hash);
  return hash;
}

// What is wrong with one element of a tensor: `value`, which is not finite, or not in the dtype that holds the matrices.
Status bad_element(const TensorSource& source, const std::string& where, float value, DType dtype) {
  std::string text = source.file + ": " + source.slot + where;
  if (std::isfinite(value)) {
    text += " is " + std::to_string(value) + ", more than " + name_of(dtype) +
            " can hold. Load the model with dtype 'f32'.";
  } else {
    text +=
        " is not a finite number. The weights are damaged, or training diverged; get another copy of the checkpoint.";
  }
  return fail(Code::checkpoint, std::move(text));
}

float element(const std::byte* bytes, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::bf16: {
      bf16 x;
      std::memcpy(&x, bytes + i * 2, 2);
      return to_float(x);
    }
    case DType::f16: {
      f16 x;
      std::memcpy(&x, bytes + i * 2, 2);
      return to_float(x);
    }
    default: {
      float x;
      std::memcpy(&x, bytes + i * 4, 4);
      return x;
    }
  }
}

int64_t count(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

}  // namespace

Weights::Weights(const ModelConfig& config, DType dtype, std::shared_ptr<Device> device)
    : blocks(size_t(config.layers)), config_(config), dtype_(dtype), device_(std::move(device)) {
  using Kind = WeightSlot::Kind;
  const ModelConfig& c = config;
  add("backbone.embeddings.weight", c.vocab, c.d_model, &embedding);
  for (int32_t i = 0; i < c.layers; ++i) {
    BlockWeights& b = blocks[size_t(i)];
    const std::string layer = "backbone.layers." + std::to_string(i) + ".", mixer = layer + "mixer.";
    add(layer + "norm.weight", {c.d_model}, Kind::vector, &b.norm);
    add(mixer + "in_proj.weight", c.in_proj_rows(), c.d_model, &b.in_proj);
    if (c.projection_bias) add(mixer + "in_proj.bias", {c.in_proj_rows()}, Kind::vector, &b.in_proj_bias);
    add(mixer + "conv1d.weight", {c.conv_channels(), 1, c.conv_width}, Kind::conv, &b.conv);
    if (c.conv_bias) add(mixer + "conv1d.bias", {c.conv_channels()}, Kind::vector, &b.conv_bias);
    if (c.family == Family::mamba) {
      add(mixer + "x_proj.weight", c.dt_rank + 2LL * c.d_state, c.d_inner, &b.x_proj);
      add(mixer + "dt_proj.weight", c.d_inner, c.dt_rank, &b.dt_proj);
      add(mixer + "dt_proj.bias", {c.d_inner}, Kind::vector, &b.dt_bias);
      add(mixer + "A_log", {c.d_inner, c.d_state}, Kind::a_log, &b.A);
      add(mixer + "D", {c.d_inner}, Kind::vector, &b.D);
    } else {
      add(mixer + "dt_bias", {c.heads}, Kind::vector, &b.dt_bias);
      add(mixer + "A_log", {c.heads}, Kind::a_log, &b.A);
      add(mixer + "D", {c.heads}, Kind::vector, &b.D);
      add(mixer + "norm.weight", {c.d_inner}, Kind::vector, &b.norm_gated);
    }
    add(mixer + "out_proj.weight", c.d_model, c.d_inner, &b.out_proj);
    if (c.projection_bias) add(mixer + "out_proj.bias", {c.d_model}, Kind::vector, &b.out_proj_bias);
  }
  add("backbone.norm_f.weight", {c.d_model}, Kind::vector, &final_norm);
  if (!c.tied_head) add("lm_head.weight", c.vocab, c.d_model, &head);
}

void Weights::add(std::string name, std::vector<int64_t> shape, WeightSlot::Kind kind, float** target) {
  slots_.push_back({.name = std::move(name), .shape = std::move(shape), .kind = kind, .vector = target});
}

void Weights::add(std::string name, int64_t rows, int64_t cols, WeightMatrix* target) {
  slots_.push_back(
      {.name = std::move(name), .shape = {rows, cols}, .kind = WeightSlot::Kind::matrix, .matrix = target});
}

Status Weights::load(const TensorSource& source, ThreadPool& pool) {
  const auto slot =
      std::find_if(slots_.begin(), slots_.end(), [&](const WeightSlot& s) { return s.name == source.slot; });
  if (slot == slots_.end() || slot->loaded) {
    return fail(Code::native,
                "Received tensor " + source.slot + (slot == slots_.end() ? ", which has no slot." : " twice."));
  }
  uint64_t hash = hash_of(source.slot + name_of(source.dtype));
  SKIPSCAN_TRY(slot->kind == WeightSlot::Kind::matrix ? load_matrix(source, *slot, pool, &hash)
                                                      : load_vector(source, *slot, &hash));
  fingerprint_ += hash;  // a sum, so that the order of loading does not matter
  slot->loaded = true;
  if (config_.tied_head && slot->matrix == &embedding) head = embedding;
  return {};
}

Status Weights::allocate(size_t bytes, void** out) {
  Memory memory;
  SKIPSCAN_TRY(Memory::allocate(device_, bytes, &memory));
  *out = memory.as<void>();
  bytes_ += memory.bytes();
  memory_.push_back(std::move(memory));
  return {};
}

Status Weights::load_matrix(const TensorSource& source, WeightSlot& slot, ThreadPool& pool, uint64_t* hash) {
  const int64_t panel = device_->backend().panel;
  WeightMatrix matrix{
      .data = nullptr, .dtype = dtype_, .rows = slot.shape[0], .cols = slot.shape[1], .panel = int32_t(panel)};
  void* packed;
  SKIPSCAN_TRY(allocate(matrix.bytes(), &packed));
  matrix.data = packed;

  TensorFile file;
  SKIPSCAN_TRY(file.open(source.file));
  const int64_t row_bytes = matrix.cols * int64_t(size_of(source.dtype));
  // Whole panels at a time, a few for each thread.
  const int64_t step = std::max<int64_t>(1, kStagingBytes / (row_bytes * panel)) * panel;
  const Buffer staging(size_t(std::min(step, matrix.rows) * row_bytes));
  // Where the device's memory is out of reach, rows are packed beside the staging and sent from there.
  WeightMatrix part = matrix;
  part.rows = std::min(step, matrix.rows);
  const Buffer outbox(device_->is_host() ? 0 : part.bytes());
  std::vector<NonFinite> bad(size_t(pool.threads()));
  for (int64_t row = 0; row < matrix.rows; row += step) {
    const int64_t rows = part.rows = std::min(step, matrix.rows - row);
    const int64_t packed_offset = matrix.at(row, 0) * int64_t(size_of(dtype_));
    std::byte* const at = static_cast<std::byte*>(packed) + packed_offset;
    std::byte* const to = device_->is_host() ? at : outbox.as<std::byte>();
    SKIPSCAN_TRY(file.read(source.offset + row * row_bytes, rows * row_bytes, staging.as<void>()));
    add_to_hash(staging.as<void>(), size_t(rows * row_bytes), hash);
    pool.parallel_for((rows + panel - 1) / panel, [&](int64_t p, int worker) {
      const int64_t first = p * panel, some = std::min<int64_t>(panel, rows - first);
      const NonFinite found =
          pack_rows(staging.as<std::byte>() + first * row_bytes, source.dtype, first, some, part, to);
      if (found) bad[size_t(worker)] = found;
    });
    for (const NonFinite& b : bad) {
      if (!b) continue;
      std::string where("[");
      where.append(std::to_string(row + b.row)).append(", ").append(std::to_string(b.col)).append("]");
      return bad_element(source, where, b.value, dtype_);
    }
    if (!device_->is_host()) SKIPSCAN_TRY(device_->write(at, to, part.bytes()));
  }
  *slot.matrix = matrix;
  return {};
}

Status Weights::load_vector(const TensorSource& source, WeightSlot& slot, uint64_t* hash) {
  const int64_t n = count(slot.shape), bytes = n * int64_t(size_of(source.dtype));
  TensorFile file;
  SKIPSCAN_TRY(file.open(source.file));
  const Buffer staging{size_t(bytes)};
  SKIPSCAN_TRY(file.read(source.offset, bytes, staging.as<void>()));
  add_to_hash(staging.as<void>(), size_t(bytes), hash);

  const Buffer values(size_t(n) * sizeof(float));
  float* out = values.as<float>();
  const int64_t width = slot.shape.back(), channels = n / width;  // of a convolution
  for (int64_t i = 0; i < n; ++i) {
    const float value = element(staging.as<std::byte>(), source.dtype, i);
    if (!std::isfinite(value)) return bad_element(source, " (element " + std::to_string(i) + ")", value, DType::f32);
    switch (slot.kind) {
      case WeightSlot::Kind::conv: out[i % width * channels + i / width] = value; break;
      case WeightSlot::Kind::a_log: out[i] = -std::exp(value); break;
      default: out[i] = value;
    }
  }
  void* memory;
  SKIPSCAN_TRY(allocate(size_t(n) * sizeof(float), &memory));
  SKIPSCAN_TRY(device_->write(memory, out, size_t(n) * sizeof(float)));
  *slot.vector = static_cast<float*>(memory);
  return {};
}

Status Weights::complete() const {
  for (const WeightSlot& slot : slots_) {
    if (!slot.loaded) return fail(Code::checkpoint, "The tensor " + slot.name + " was not loaded.");
  }
  return {};
}

}  // namespace skipscan
