#include "engine/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

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

// Whether a tensor of so many elements can lie there.
Status check_place(const TensorSource& source, int64_t elements) {
  if (source.dtype != DType::f32 && source.dtype != DType::bf16 && source.dtype != DType::f16) {
    return fail(Code::native, "Received tensor " + source.slot + " of dtype " + name_of(source.dtype) +
                                  "; expected f32, bf16 or f16.");
  }
  const int64_t bytes = elements * int64_t(size_of(source.dtype));
  if (source.offset >= 0 && source.offset <= std::numeric_limits<int64_t>::max() - bytes) return {};
  return fail(Code::checkpoint, source.file + ": " + source.slot + " is said to lie at byte " +
                                    std::to_string(source.offset) + ", which no file has.");
}

// Of a slot in the weights' memory. Slots begin where an allocation of a GPU would, which its libraries like best.
size_t slot_bytes(size_t bytes) {
  constexpr size_t kAlignment = 256;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

int64_t WeightSlot::elements() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

void Weights::add(std::string name, int64_t rows, int64_t cols, WeightMatrix* target, Kind kind) {
  slots_.push_back({.name = std::move(name), .shape = {rows, cols}, .kind = kind, .matrix = target});
}
void Weights::add(std::string name, std::vector<int64_t> shape, WeightMatrix* target, BatchNorm* norm) {
  slots_.push_back(
      {.name = std::move(name), .shape = std::move(shape), .kind = Kind::conv_matrix, .matrix = target, .norm = norm});
}
void Weights::add(std::string name, std::vector<int64_t> shape, Kind kind, float** target, float factor) {
  slots_.push_back(
      {.name = std::move(name), .shape = std::move(shape), .kind = kind, .vector = target, .factor = factor});
}
void Weights::add(std::string name, std::vector<int64_t> shape, float** depthwise, BatchNorm* norm) {
  slots_.push_back(
      {.name = std::move(name), .shape = std::move(shape), .kind = Kind::depthwise, .vector = depthwise, .norm = norm});
}
void Weights::add(std::string name, std::vector<int64_t> shape, std::vector<float>* target) {
  slots_.push_back({.name = std::move(name), .shape = std::move(shape), .kind = Kind::host, .host = target});
}
void Weights::add(const std::string& prefix, int64_t channels, BatchNorm* norm) {
  add(prefix + "weight", {channels}, &norm->weight);
  add(prefix + "bias", {channels}, &norm->bias);
  add(prefix + "running_mean", {channels}, &norm->mean);
  add(prefix + "running_var", {channels}, &norm->variance);
}

Status Weights::load(const TensorSource& source, ThreadPool& pool) {
  const auto slot =
      std::find_if(slots_.begin(), slots_.end(), [&](const WeightSlot& s) { return s.name == source.slot; });
  if (slot == slots_.end() || slot->loaded) {
    return fail(Code::native,
                "Received tensor " + source.slot + (slot == slots_.end() ? ", which has no slot." : " twice."));
  }
  SKIPSCAN_TRY(check_place(source, slot->elements()));
  uint64_t hash = hash_of(source.slot + name_of(source.dtype));
  const size_t used = used_;
  try {
    Status status = load_into(*slot, source, pool, &hash);
    if (!status.ok()) used_ = used;  // a tensor that failed may come again, and takes no place twice
    SKIPSCAN_TRY(std::move(status));
  } catch (...) {
    used_ = used;
    throw;
  }
  fingerprint_ += hash;  // a sum, so that the order of loading does not matter
  slot->loaded = true;
  return {};
}

Status Weights::load_into(WeightSlot& slot, const TensorSource& source, ThreadPool& pool, uint64_t* hash) {
  switch (slot.kind) {
    case Kind::matrix:
    case Kind::step_matrix: return load_matrix(source, slot, pool, hash);
    case Kind::conv_matrix: return load_conv_matrix(source, slot, hash);
    default: return load_vector(source, slot, hash);
  }
}

// Bytes on the device for a slot, and for the shift of the norm that is folded into it.
size_t Weights::stored_bytes(const WeightSlot& slot) const {
  const size_t floats = slot.kind == Kind::host ? 0 : slot_bytes(size_t(slot.elements()) * sizeof(float));
  const size_t shift = slot.norm ? slot_bytes(size_t(slot.shape[0]) * sizeof(float)) : 0;
  return (slot.matrix ? slot_bytes(matrix_of(slot).bytes()) : floats) + shift;
}

// A slot's matrix before there is anything in it.
WeightMatrix Weights::matrix_of(const WeightSlot& slot) const {
  return {.data = nullptr,
          .dtype = dtype_ == DType::i8 && slot.kind != Kind::matrix ? DType::bf16 : dtype_,
          .rows = slot.shape[0],
          .cols = slot.elements() / slot.shape[0],
          .panel = device_->backend().panel};
}

// All weights are one piece of memory: what is read at every token then lies in few and huge pages.
Status Weights::allocate(size_t bytes, void** out) {
  if (!memory_.bytes()) {
    size_t all = 0;
    for (const WeightSlot& slot : slots_) all += stored_bytes(slot);
    SKIPSCAN_TRY(Memory::allocate(device_, all, &memory_));
  }
  *out = memory_.as<std::byte>() + used_;
  used_ += slot_bytes(bytes);
  return {};
}

Status Weights::load_matrix(const TensorSource& source, WeightSlot& slot, ThreadPool& pool, uint64_t* hash) {
  WeightMatrix matrix = matrix_of(slot);
  const int64_t panel = matrix.panel;
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
    const int64_t packed_offset = row / panel * matrix.panel_bytes();
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
      return bad_element(source, where, b.value, matrix.dtype);
    }
    if (!device_->is_host()) SKIPSCAN_TRY(device_->write(at, to, part.bytes()));
  }
  *slot.matrix = matrix;
  return {};
}

// A convolution as a product: its small matrix is brought into the order of image_patches.h and packed at once.
Status Weights::load_conv_matrix(const TensorSource& source, WeightSlot& slot, uint64_t* hash) {
  std::vector<float> values;
  SKIPSCAN_TRY(read_floats(source, slot, hash, &values));
  SKIPSCAN_TRY(fold(source, slot, &values));
  const int64_t rows = slot.shape[0], channels = slot.shape[1], window = slot.shape[2] * slot.shape[3];
  std::vector<float> ordered(values.size());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < window; ++i) {
        ordered[size_t((row * window + i) * channels + c)] = values[size_t((row * channels + c) * window + i)];
      }
    }
  }
  WeightMatrix matrix = matrix_of(slot);
  const Buffer packed(matrix.bytes());
  if (const NonFinite bad = pack_rows(ordered.data(), DType::f32, 0, rows, matrix, packed.as<void>())) {
    return bad_element(source, " (row " + std::to_string(bad.row) + ")", bad.value, matrix.dtype);
  }
  void* memory;
  SKIPSCAN_TRY(allocate(matrix.bytes(), &memory));
  SKIPSCAN_TRY(device_->write(memory, packed.as<void>(), matrix.bytes()));
  matrix.data = memory;
  *slot.matrix = matrix;
  return {};
}

Status Weights::load_vector(const TensorSource& source, WeightSlot& slot, uint64_t* hash) {
  std::vector<float> values;
  SKIPSCAN_TRY(read_floats(source, slot, hash, &values));
  SKIPSCAN_TRY(fold(source, slot, &values));
  if (slot.kind == Kind::host) {
    *slot.host = std::move(values);
    return {};
  }
  std::vector<float> out(values.size());
  const int64_t n = int64_t(values.size()), channels = slot.shape[0], window = n / channels;  // of a convolution
  for (int64_t i = 0; i < n; ++i) {
    const float value = values[size_t(i)];
    switch (slot.kind) {
      case Kind::depthwise: out[size_t(i % window * channels + i / window)] = value; break;
      case Kind::a_log: out[size_t(i)] = -std::exp(value); break;
      default: out[size_t(i)] = slot.factor * value;
    }
  }
  return place(out, slot.vector);
}

Status Weights::read_floats(const TensorSource& source, const WeightSlot& slot, uint64_t* hash,
                            std::vector<float>* out) {
  const int64_t n = slot.elements(), bytes = n * int64_t(size_of(source.dtype));
  TensorFile file;
  SKIPSCAN_TRY(file.open(source.file));
  const Buffer staging{size_t(bytes)};
  SKIPSCAN_TRY(file.read(source.offset, bytes, staging.as<void>()));
  add_to_hash(staging.as<void>(), size_t(bytes), hash);
  out->resize(size_t(n));
  for (int64_t i = 0; i < n; ++i) {
    const float value = element(staging.as<std::byte>(), source.dtype, i);
    if (!std::isfinite(value)) return bad_element(source, " (element " + std::to_string(i) + ")", value, DType::f32);
    (*out)[size_t(i)] = value;
  }
  return {};
}

// Scales a convolution's outputs as the batch norm after it would, and makes the norm's shift its bias.
Status Weights::fold(const TensorSource& source, const WeightSlot& slot, std::vector<float>* values) {
  const BatchNorm* norm = slot.norm;
  if (!norm) return {};
  if (!norm->loaded()) return fail(Code::native, "Received " + slot.name + " before the batch norm that follows it.");
  const size_t channels = size_t(slot.shape[0]), per_channel = values->size() / channels;
  std::vector<float> shift(channels);
  for (size_t c = 0; c < channels; ++c) {
    const double scale = norm->scale(c);
    if (!std::isfinite(scale) || !std::isfinite(norm->shift(c))) {
      return fail(Code::checkpoint, source.file + ": the batch norm after " + slot.name + " has the variance " +
                                        std::to_string(norm->variance[c]) + " in channel " + std::to_string(c) +
                                        "; expected one above 0. The weights are damaged; get another copy.");
    }
    shift[c] = float(norm->shift(c));
    for (size_t i = 0; i < per_channel; ++i) {
      float& value = (*values)[c * per_channel + i];
      value = float(value * scale);
    }
  }
  return place(shift, norm->shift_target);
}

Status Weights::place(const std::vector<float>& values, float** out) {
  void* memory;
  const size_t bytes = values.size() * sizeof(float);
  SKIPSCAN_TRY(allocate(bytes, &memory));
  SKIPSCAN_TRY(device_->write(memory, values.data(), bytes));
  *out = static_cast<float*>(memory);
  return {};
}

Status Weights::complete() const {
  for (const WeightSlot& slot : slots_) {
    if (!slot.loaded) return fail(Code::checkpoint, "The tensor " + slot.name + " was not loaded.");
  }
  return {};
}

}  // namespace skipscan
