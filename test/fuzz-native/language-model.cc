// A tiny language model of either family: passes over any batch with any reduction, sessions from any bytes, at any position, in any
// company. A call is refused, or runs inside of its memory.
#include <cstring>
#include <limits>

#include "cpu/device.h"
#include "cpu/tables.h"
#include "drawn_reduction.h"
#include "engine/language_model.h"
#include "ready_model.h"

namespace {

using namespace skipscan;

constexpr int32_t kLayers = 3, kVocab = 7;

std::unique_ptr<LanguageModel> make_model(bool two, const Backend& backend, DType dtype) {
  ModelConfig c = {.family = two ? Family::mamba2 : Family::mamba, .d_model = 6, .layers = kLayers, .vocab = kVocab};
  c.d_inner = 12;
  c.d_state = 5;
  c.conv_width = 3;
  c.dt_rank = 2;
  c.heads = 4;
  c.head_dim = 3;
  c.groups = 2;
  c.norm_group_size = 6;
  c.dt_max = std::numeric_limits<float>::infinity();
  c.tied_head = true;
  auto model = std::make_unique<LanguageModel>(c, cpu::open(backend, false), dtype, 1);
  fuzz::fill(*model);
  return model;
}

LanguageModel& pick_model(FuzzedDataProvider& bytes) {
  static const std::unique_ptr<LanguageModel> models[] = {
      make_model(false, cpu::portable::backend, DType::f32), make_model(true, cpu::portable::backend, DType::f32),
      make_model(false, cpu::reference::backend, DType::f32), make_model(true, cpu::portable::backend, DType::i8)};
  return *models[bytes.ConsumeIntegralInRange<size_t>(0, std::size(models) - 1)];
}

// Tokens and where sequences begin, mostly as they should be.
struct Batch {
  std::vector<int32_t> tokens, offsets = {0};

  explicit Batch(FuzzedDataProvider& bytes) {
    for (int s = bytes.ConsumeIntegralInRange(1, 4); s > 0; --s) {
      offsets.push_back(offsets.back() + bytes.ConsumeIntegralInRange(1, 12));
    }
    for (int32_t i = 0; i < offsets.back(); ++i) tokens.push_back(fuzz::draw_int(bytes, kVocab - 1));
    // The number of rows stays, as the binding checks it.
    if (bytes.ConsumeIntegral<uint8_t>() > 250) offsets[offsets.size() / 2] = fuzz::draw_int(bytes, offsets.back());
    offsets.back() = int32_t(tokens.size());
  }
};

class Caller {
 public:
  Caller(FuzzedDataProvider& bytes, LanguageModel& model) : bytes_(bytes), model_(model) {
    for (auto& session : sessions_) (void)model.create_session(&session);
  }

  void run() {
    for (int i = bytes_.ConsumeIntegralInRange(1, 6); i > 0; --i) {
      switch (bytes_.ConsumeIntegralInRange(0, 3)) {
        case 0: forward(); break;
        case 1: step(); break;
        case 2: import_state(); break;
        default: (void)pick()->copy_from(*pick());
      }
    }
  }

 private:
  const std::shared_ptr<SessionState>& pick() { return sessions_[bytes_.ConsumeIntegralInRange<size_t>(0, 2)]; }

  SessionStates some(int64_t count) {
    SessionStates states;
    for (int64_t s = 0; s < count; ++s) states.push_back(pick());
    return states;
  }

  void forward() {
    const Batch batch(bytes_);
    const auto sequences = int64_t(batch.offsets.size()) - 1;
    const bool last_only = bytes_.ConsumeBool();
    const Reduction reduction = fuzz::draw_reduction(bytes_, kLayers, sequences);
    const size_t rows = last_only ? size_t(sequences) : batch.tokens.size();
    std::vector<float> logits(rows * kVocab), hidden;
    if (bytes_.ConsumeIntegral<uint8_t>() > 200) hidden.resize((kLayers + 2) * batch.tokens.size() * 6);
    ForwardOutput out{.logits = logits.data(), .last_only = last_only, .hidden = nullptr, .kept = {}};
    if (!hidden.empty()) out.hidden = hidden.data();
    const ForwardInput in{.batch = {batch.tokens.data(), batch.offsets},
                          .start = fuzz::draw_int(bytes_, 100),
                          .reduction = bytes_.ConsumeBool() ? &reduction : nullptr};
    if (bytes_.ConsumeBool()) {
      (void)model_.forward(in, out);
    } else {
      const int64_t others = bytes_.ConsumeIntegral<uint8_t>() > 250 ? 1 : 0;
      (void)model_.forward_from(some(sequences + others), bytes_.ConsumeBool(), in, out);
    }
  }

  // Different sessions, as the binding promises.
  void step() {
    SessionStates states(sessions_, sessions_ + bytes_.ConsumeIntegralInRange(0, 3));
    if (bytes_.ConsumeBool()) std::reverse(states.begin(), states.end());
    std::vector<int32_t> tokens;
    for (size_t i = 0; i < states.size(); ++i) tokens.push_back(fuzz::draw_int(bytes_, kVocab - 1));
    std::vector<float> logits(states.size() * kVocab);
    (void)model_.step(states, tokens.data(), logits.data());
  }

  void import_state() {
    const auto& session = pick();
    std::vector<uint8_t> state(size_t(session->bytes()));
    const std::vector<uint8_t> drawn = bytes_.ConsumeBytes<uint8_t>(std::min<size_t>(state.size(), 64));
    for (size_t i = 0; i < state.size() && !drawn.empty(); ++i) state[i] = drawn[i % drawn.size()];
    (void)session->write(state.data());
    std::vector<uint8_t> again(state.size());
    if (session->read(again.data()).ok() && again != state) std::abort();
  }

  FuzzedDataProvider& bytes_;
  LanguageModel& model_;
  std::shared_ptr<SessionState> sessions_[3];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider bytes(data, size);
  LanguageModel& model = pick_model(bytes);
  Caller(bytes, model).run();
  return 0;
}
