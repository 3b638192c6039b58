#include "binding/language_model_wrap.h"

#include <chrono>

#include "binding/convert.h"
#include "binding/exports.h"
#include "binding/model_calls.h"
#include "binding/reduction_reader.h"

namespace skipscan::binding {
namespace {

ModelConfig read_config(const Fields& f) {
  ModelConfig c;
  c.family = f.text("family") == "mamba" ? Family::mamba : Family::mamba2;
  c.d_model = f.i32("dModel");
  c.layers = f.i32("layers");
  c.vocab = f.i32("vocabRows");
  c.d_inner = f.i32("dInner");
  c.d_state = f.i32("dState");
  c.conv_width = f.i32("convWidth");
  c.norm_eps = float(f.number("normEps"));
  c.tied_head = f.flag("tiedHead");
  c.projection_bias = f.flag("projectionBias");
  c.conv_bias = f.flag("convBias");
  if (c.family == Family::mamba) {
    c.dt_rank = f.i32("dtRank");
  } else {
    c.heads = f.i32("heads");
    c.head_dim = f.i32("headDim");
    c.groups = f.i32("groups");
    c.norm_group_size = f.i32("normGroupSize");
    c.norm_before_gate = f.flag("normBeforeGate");
    c.dt_min = float(f.number("dtMin"));
    c.dt_max = float(f.number("dtMax"));
  }
  return c;
}

SessionStates read_sessions(const Napi::Value& list) {
  const Napi::Array sessions = list.As<Napi::Array>();
  SessionStates states;
  for (uint32_t s = 0; s < sessions.Length(); ++s) {
    const Napi::Object session = sessions.Get(s).As<Napi::Object>();
    states.push_back(SessionWrap::Unwrap(session)->shared_state(session.Env()));
  }
  return states;
}

// What sequences go on from; no states: from nothing.
struct Origin {
  SessionStates states;
  int32_t start = 0;
  bool advance = false;
};

Origin read_origin(const Fields& options) {
  if (!options.has("from")) return {};
  const Fields f(options.value("from").As<Napi::Object>());
  return {.states = read_sessions(f.value("sessions")), .start = f.i32("start"), .advance = f.flag("advance")};
}

}  // namespace

LanguageModelWrap::LanguageModelWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LanguageModelWrap>(info) {
  model_ = make_model<LanguageModel>(info.Env(), read_config(Fields(info[0].As<Napi::Object>())),
                                     Fields(info[1].As<Napi::Object>()));
}

std::shared_ptr<LanguageModel> LanguageModelWrap::model(Napi::Env env) const { return opened(env, model_); }

Napi::Value LanguageModelWrap::slots(const Napi::CallbackInfo& info) {
  return slots_to_js(info.Env(), model(info.Env())->weights());
}

Napi::Value LanguageModelWrap::load(const Napi::CallbackInfo& info) {
  return load_weights(info, model_, lane_.get(), external_);
}

Napi::Value LanguageModelWrap::finish_loading(const Napi::CallbackInfo& info) {
  const auto m = model(info.Env());
  return finished(info.Env(), m->finish_loading(), m->weights(), m->backend().name);
}

// (tokens: Int32Array, offsets: Int32Array, { lastOnly, logits: Float32Array, hidden?: Float32Array, reduction?,
// from?: { sessions: Session[], start, advance } }, cancel: Int32Array) fills the arrays and resolves to { milliseconds, kept }.
Napi::Value LanguageModelWrap::forward(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto m = model(env);
  const Fields f(info[2].As<Napi::Object>());
  const auto tokens = to_span<int32_t>(info[0], "tokens"), offsets = to_span<int32_t>(info[1], "offsets");
  const auto cancel = to_span<int32_t>(info[3], "cancel");
  const auto logits = f.span<float>("logits"), hidden = f.span<float>("hidden", true);
  const bool last_only = f.flag("lastOnly");
  if (offsets.size < 2 || offsets.data[offsets.size - 1] < 0 || size_t(offsets.data[offsets.size - 1]) != tokens.size) {
    mismatch(env, "offsets", "offsets that end with the tokens");
  }
  if (cancel.size == 0) mismatch(env, "cancel", "one number");
  // A copy, because tokens are addresses: their array stays the caller's.
  const auto ids = std::make_shared<const std::vector<int32_t>>(tokens.data, tokens.data + tokens.size);
  const TokenBatch batch{ids->data(), std::vector<int32_t>(offsets.data, offsets.data + offsets.size)};
  const ModelConfig& c = m->config();
  if (logits.size < size_t(last_only ? batch.sequences() : batch.rows()) * c.vocab) mismatch(env, "logits", "its size");
  if (hidden.data && hidden.size != size_t(c.layers + 2) * batch.rows() * c.d_model)
    mismatch(env, "hidden", "its size");
  KeepAlive keep;
  for (const Napi::Value& v : {Napi::Value(info.This()), info[2], f.value("logits"), f.value("hidden"), info[3]}) {
    keep.add(v);
  }
  struct Result {
    ForwardOutput out;
    double milliseconds;
  };
  const auto result = std::make_shared<Result>();
  result->out = {.logits = logits.data, .last_only = last_only, .hidden = hidden.data, .kept = {}};
  const Origin origin = read_origin(f);
  if (!origin.states.empty() && int64_t(origin.states.size()) != batch.sequences()) {
    mismatch(env, "sessions", "as many as sequences");
  }
  return Task::start(
      env, *lane_, std::move(keep),
      [=, ids = ids, reduction = read_reduction(f.value("reduction"))] {  // ids: what the batch points to
        const auto start = std::chrono::steady_clock::now();
        const ForwardInput in{.batch = batch,
                              .start = origin.start,
                              .reduction = reduction ? &*reduction : nullptr,
                              .cancelled = cancel.data};
        Status status = origin.states.empty() ? m->forward(in, result->out)
                                              : m->forward_from(origin.states, origin.advance, in, result->out);
        result->milliseconds =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        return status;
      },
      [result](Napi::Env env) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("milliseconds", result->milliseconds);
        object.Set("kept", to_js(env, result->out.kept));
        return object;
      },
      cancel.data);
}

// (sessions: Session[], tokens: Int32Array, logits: Float32Array): one token for each session, in place.
Napi::Value LanguageModelWrap::step(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto m = model(env);
  const SessionStates sessions = read_sessions(info[0]);
  const auto tokens = to_span<int32_t>(info[1], "tokens");
  const auto logits = to_span<float>(info[2], "logits");
  if (sessions.empty() || tokens.size != sessions.size()) mismatch(env, "tokens", "one for each session");
  if (logits.size != sessions.size() * size_t(m->config().vocab)) mismatch(env, "logits", "its size");
  KeepAlive keep;
  for (const Napi::Value& v : {Napi::Value(info.This()), info[0], info[2]}) keep.add(v);
  return Task::start(
      env, *lane_, std::move(keep),
      [=, ids = std::vector<int32_t>(tokens.data, tokens.data + tokens.size)] {
        return m->step(sessions, ids.data(), logits.data);
      },
      [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value LanguageModelWrap::memory(const Napi::CallbackInfo& info) {
  const auto m = model(info.Env());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("weights", double(m->weights().bytes()));
  result.Set("workspace", double(m->workspace_bytes()));
  result.Set("sessions", double(m->session_bytes()));
  return result;
}

// Operators are measured from here on; endProfile() ends that and says what was measured.
Napi::Value LanguageModelWrap::start_profile(const Napi::CallbackInfo& info) {
  opened(info.Env(), model_)->core().start_profile();
  return info.Env().Undefined();
}

Napi::Value LanguageModelWrap::end_profile(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), opened(info.Env(), model_)->core().end_profile());
}

// Gives the memory back as soon as no running call needs it. lib/ waits for those first.
Napi::Value LanguageModelWrap::dispose(const Napi::CallbackInfo& info) {
  model_.reset();
  lane_.reset();
  external_.set(info.Env(), 0);
  return info.Env().Undefined();
}

Napi::Function LanguageModelWrap::define(Napi::Env env) {
  return DefineClass(
      env, "LanguageModel",
      {InstanceMethod<&LanguageModelWrap::slots>("slots"), InstanceMethod<&LanguageModelWrap::load>("load"),
       InstanceMethod<&LanguageModelWrap::finish_loading>("finishLoading"),
       InstanceMethod<&LanguageModelWrap::forward>("forward"), InstanceMethod<&LanguageModelWrap::step>("step"),
       InstanceMethod<&LanguageModelWrap::memory>("memory"),
       InstanceMethod<&LanguageModelWrap::start_profile>("startProfile"),
       InstanceMethod<&LanguageModelWrap::end_profile>("endProfile"),
       InstanceMethod<&LanguageModelWrap::dispose>("dispose")});
}

void export_language_model(Napi::Env env, Napi::Object exports) {
  exports.Set("LanguageModel", LanguageModelWrap::define(env));
  exports.Set("Session", SessionWrap::define(env));
}

}  // namespace skipscan::binding
