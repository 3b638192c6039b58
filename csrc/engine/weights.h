// The weights of a model of any kind: read from checkpoint files tensor by tensor, converted and packed once, on its device.
// What a kind of model has is told by the class that derives from this one (language_weights.h, vision_weights.h).
#pragma once
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "engine/batch_norm.h"
#include "ops/device.h"
#include "ops/weight_matrix.h"

namespace skipscan {

// A place for one tensor of the checkpoint. Matrices are packed; everything else is float32.
struct WeightSlot {
  enum class Kind : uint8_t {
    matrix,       // (outputs, inputs)
    step_matrix,  // the same, of what decides dt: small, and never of 8 bits, but bf16 instead
    conv_matrix,  // (outputs, channels, height, width): a matrix whose inputs are (height, width, channels)
    vector,
    depthwise,  // (channels, 1, window...): becomes (window, channels)
    a_log,      // becomes -exp(a_log)
    host        // stays on the host
  };
  std::string name;
  std::vector<int64_t> shape;
  Kind kind;
  // Where it goes: one of them.
  WeightMatrix* matrix = nullptr;
  float** vector = nullptr;
  std::vector<float>* host = nullptr;
  float factor = 1;  // of a vector's elements
  // Comes after a convolution without a bias of its own and is folded into it; its tensors have slots before this one.
  BatchNorm* norm = nullptr;
  bool loaded = false;

  int64_t elements() const;
};

// Where a tensor's bytes are: row-major, little-endian.
struct TensorSource {
  std::string slot, file;
  int64_t offset = 0;
  DType dtype = DType::f32;
};

class Weights {
 public:
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  const std::vector<WeightSlot>& slots() const { return slots_; }
  // Reads and packs one tensor. ERR_CHECKPOINT when the file is too short or an element is not finite.
  Status load(const TensorSource& source, ThreadPool& pool);
  // ERR_CHECKPOINT naming the first slot that nothing was loaded into.
  Status complete() const;

  DType dtype() const { return dtype_; }  // of the matrices
  size_t bytes() const { return memory_.bytes(); }
  // A 64-bit hash of names, dtypes and bytes that were loaded, whatever their order.
  uint64_t fingerprint() const { return fingerprint_; }

 protected:
  using Kind = WeightSlot::Kind;

  // Allocates nothing yet.
  Weights(DType dtype, std::shared_ptr<Device> device) : dtype_(dtype), device_(std::move(device)) {}

  void add(std::string name, int64_t rows, int64_t cols, WeightMatrix* target, Kind kind = Kind::matrix);
  void add(std::string name, std::vector<int64_t> shape, WeightMatrix* target, BatchNorm* norm = nullptr);
  void add(std::string name, std::vector<int64_t> shape, Kind kind, float** target, float factor = 1);
  void add(std::string name, std::vector<int64_t> shape, float** depthwise, BatchNorm* norm);
  void add(std::string name, std::vector<int64_t> shape, std::vector<float>* target);
  // The four vectors of a batch norm over `channels`, whose names begin with `prefix`.
  void add(const std::string& prefix, int64_t channels, BatchNorm* norm);

 private:
  Status load_into(const TensorSource& source, WeightSlot& slot, ThreadPool& pool, uint64_t* hash);
  Status load_matrix(const TensorSource& source, WeightSlot& slot, ThreadPool& pool, uint64_t* hash);
  Status load_conv_matrix(const TensorSource& source, WeightSlot& slot, uint64_t* hash);
  Status load_vector(const TensorSource& source, WeightSlot& slot, uint64_t* hash);
  Status read_floats(const TensorSource& source, const WeightSlot& slot, uint64_t* hash, std::vector<float>* out);
  Status fold(const TensorSource& source, const WeightSlot& slot, std::vector<float>* values);
  WeightMatrix matrix_of(const WeightSlot& slot) const;
  size_t stored_bytes(const WeightSlot& slot) const;
  Status allocate(size_t bytes, void** out);
  Status place(const std::vector<float>& values, float** out);

  const DType dtype_;
  const std::shared_ptr<Device> device_;
  std::vector<WeightSlot> slots_;
  Memory memory_;
  size_t used_ = 0;  // bytes of it
  uint64_t fingerprint_ = 0;
};

}  // namespace skipscan
