// The weights of a language model: read from checkpoint files tensor by tensor, converted and packed once, on its device.
#pragma once
#include <string>
#include <vector>

#include "core/thread_pool.h"
#include "engine/model_config.h"
#include "ops/device.h"
#include "ops/weight_matrix.h"

namespace skipscan {

// One block. Mamba-1 has x_proj and dt_proj, Mamba-2 has norm_gated; biases are null where the model has none.
struct BlockWeights {
  float* norm = nullptr;  // (d_model)
  WeightMatrix in_proj;   // (in_proj_rows, d_model)
  float* in_proj_bias = nullptr;
  float* conv = nullptr;        // (conv_width, conv_channels): transposed from the checkpoint's (channels, 1, width)
  float* conv_bias = nullptr;   // (conv_channels)
  WeightMatrix x_proj;          // (dt_rank + 2 d_state, d_inner)
  WeightMatrix dt_proj;         // (d_inner, dt_rank)
  float* dt_bias = nullptr;     // (d_inner) or (heads)
  float* A = nullptr;           // (d_inner, d_state) or (heads): -exp(A_log)
  float* D = nullptr;           // (d_inner) or (heads)
  float* norm_gated = nullptr;  // (d_inner)
  WeightMatrix out_proj;        // (d_model, d_inner)
  float* out_proj_bias = nullptr;
};

// A place for one tensor of the checkpoint. Names are Hugging Face's.
struct WeightSlot {
  enum class Kind : uint8_t { matrix, vector, conv, a_log };
  std::string name;
  std::vector<int64_t> shape;
  Kind kind;
  WeightMatrix* matrix = nullptr;  // where it goes: matrices are packed, everything else is float32
  float** vector = nullptr;
  bool loaded = false;
};

// Where a tensor's bytes are: row-major, little-endian.
struct TensorSource {
  std::string slot, file;
  int64_t offset = 0;
  DType dtype = DType::f32;
};

class Weights {
 public:
  // `dtype` is that of the matrices. Allocates nothing yet.
  Weights(const ModelConfig& config, DType dtype, std::shared_ptr<Device> device);
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  const std::vector<WeightSlot>& slots() const { return slots_; }
  // Reads and packs one tensor. ERR_CHECKPOINT when the file is too short or an element is not finite.
  Status load(const TensorSource& source, ThreadPool& pool);
  // ERR_CHECKPOINT naming the first slot that nothing was loaded into.
  Status complete() const;

  size_t bytes() const { return bytes_; }
  // A 64-bit hash of names, dtypes and bytes that were loaded, whatever their order.
  uint64_t fingerprint() const { return fingerprint_; }

  WeightMatrix embedding, head;  // head is the embedding when the two are tied
  float* final_norm = nullptr;
  std::vector<BlockWeights> blocks;

 private:
  Status load_matrix(const TensorSource& source, WeightSlot& slot, ThreadPool& pool, uint64_t* hash);
  Status load_vector(const TensorSource& source, WeightSlot& slot, uint64_t* hash);
  Status allocate(size_t bytes, void** out);
  void add(std::string name, std::vector<int64_t> shape, WeightSlot::Kind kind, float** target);
  void add(std::string name, int64_t rows, int64_t cols, WeightMatrix* target);

  const ModelConfig config_;
  const DType dtype_;
  const std::shared_ptr<Device> device_;
  std::vector<WeightSlot> slots_;
  std::vector<Memory> memory_;
  size_t bytes_ = 0;
  uint64_t fingerprint_ = 0;
};

}  // namespace skipscan
