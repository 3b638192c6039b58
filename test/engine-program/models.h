// Small models of every family with random weights, and what is done with them: for programs that run the engine without
// JavaScript, under ThreadSanitizer, AddressSanitizer and valgrind, and where allocations fail.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "engine/language_model.h"
#include "engine/vision_model.h"

namespace engine_program {

using namespace skipscan;

using Values = std::vector<float>;

// One thing that is done with a model, and is the same to the bit every time: `results` are added to.
template <class Model>
struct Scenario {
  const char* name;
  Status (*run)(Model& model, Values& results);
};

// Language models and vision models.
template <class Model>
struct Kind;

template <>
struct Kind<LanguageModel> {
  using Config = ModelConfig;
  using Weights = LanguageWeights;
  static const std::vector<Scenario<LanguageModel>>& scenarios();  // language_scenarios.cc
};

template <>
struct Kind<VisionModel> {
  using Config = VisionConfig;
  using Weights = VisionWeights;
  static const std::vector<Scenario<VisionModel>>& scenarios();  // vision_scenarios.cc
};

// How large the models are: `tiny` for what is slow, `small` so that operators share their work among threads.
enum class Scale { tiny, small };

template <class Model>
struct Case {
  const char* name;
  typename Kind<Model>::Config config;
  DType dtype;
};

std::vector<Case<LanguageModel>> language_cases(Scale scale);
std::vector<Case<VisionModel>> vision_cases(Scale scale);

// The weights of a case in a temporary file, for as long as this object is there.
class Checkpoint {
 public:
  template <class Model>
  explicit Checkpoint(const Case<Model>& of) {
    const typename Kind<Model>::Weights weights(of.config, of.dtype, device());
    write(weights.slots());
  }
  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  const std::vector<TensorSource>& sources() const { return sources_; }

  // The CPU with the kernels that it would choose by itself, or that SKIPSCAN_CPU names.
  static std::shared_ptr<Device> device();

 private:
  void write(const std::vector<WeightSlot>& slots);

  std::string path_;
  std::vector<TensorSource> sources_;
};

template <class Model>
Status load(const Case<Model>& from, const Checkpoint& checkpoint, int threads, std::shared_ptr<Model>* out) {
  auto model = std::make_shared<Model>(from.config, Checkpoint::device(), from.dtype, threads);
  for (const TensorSource& source : checkpoint.sources()) SKIPSCAN_TRY(model->load(source));
  SKIPSCAN_TRY(model->finish_loading());
  *out = std::move(model);
  return {};
}

// Ends the program when something is not as it should be.
void require(const Status& status, const std::string& what);
void require_equal(const Values& got, const Values& expected, const std::string& what);

// Numbers that are the same in every run.
std::vector<int32_t> random_tokens(int64_t count, int32_t vocab, uint32_t seed);
Values random_values(int64_t count, float low, float high, uint32_t seed);

}  // namespace engine_program
