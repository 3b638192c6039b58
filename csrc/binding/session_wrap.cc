#include "binding/convert.h"
#include "binding/language_model_wrap.h"
#include "binding/task.h"

namespace skipscan::binding {

// (model: LanguageModel, cloned?: Session)
SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  Napi::Env env = info.Env();
  model_ = LanguageModelWrap::Unwrap(info[0].As<Napi::Object>())->model(env);
  Status status = info[1].IsObject() ? model_->clone_session(Unwrap(info[1].As<Napi::Object>())->state(env), &state_)
                                     : model_->create_session(&state_);
  if (!status.ok()) throw to_error(env, status);
  external_.set(env, state_->bytes());
}

void SessionWrap::Finalize(Napi::Env env) {
  release();
  external_.set(env, 0);
}

void SessionWrap::release() {
  state_.reset();
  model_.reset();
}

std::shared_ptr<SessionState> SessionWrap::shared_state(Napi::Env env) const {
  if (state_) return state_;
  Napi::Error error = Napi::Error::New(env, "This session was disposed.");
  error.Set("code", "ERR_DISPOSED");
  throw error;
}

// (layer) => { conv: Float32Array, ssm: Float32Array }, copies.
Napi::Value SessionWrap::layer_state(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const SessionState& s = state(env);
  const int32_t layer = info[0].As<Napi::Number>().Int32Value();
  const ModelConfig& c = model_->config();
  if (layer < 0 || layer >= c.layers) mismatch(env, "layer", "a layer of the model");
  const auto copy = [&](const float* from, int64_t count) {
    Napi::Float32Array to = Napi::Float32Array::New(env, size_t(count));
    Status status = s.read(to.Data(), from, count);
    if (!status.ok()) throw to_error(env, status);
    return to;
  };
  Napi::Object result = Napi::Object::New(env);
  result.Set("conv", copy(s.conv(layer), c.conv_state_size()));
  result.Set("ssm", copy(s.ssm(layer), c.ssm_state_size()));
  return result;
}

Napi::Value SessionWrap::state_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), double(state(info.Env()).bytes()));
}

// (into: Uint8Array) => Promise<void>: all layers, conv then ssm, float32 in the machine's byte order.
Napi::Value SessionWrap::export_state(const Napi::CallbackInfo& info) {
  const auto s = shared_state(info.Env());
  const auto into = to_span<uint8_t>(info[0], "into");
  if (into.size != size_t(s->bytes())) mismatch(info.Env(), "into", "the size of this model's state");
  KeepAlive keep;
  keep.add(info[0]);
  return Task::start(
      info.Env(), background_lane(), std::move(keep), [s, to = into.data] { return s->read(to); },
      [](Napi::Env env) { return env.Undefined(); });
}

// (bytes: Uint8Array): the inverse.
Napi::Value SessionWrap::import_state(const Napi::CallbackInfo& info) {
  SessionState& s = state(info.Env());
  const auto from = to_span<uint8_t>(info[0], "bytes");
  if (from.size != size_t(s.bytes())) mismatch(info.Env(), "bytes", "the size of this model's state");
  Status status = s.write(from.data);
  if (!status.ok()) throw to_error(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value SessionWrap::dispose(const Napi::CallbackInfo& info) {
  release();
  external_.set(info.Env(), 0);
  return info.Env().Undefined();
}

Napi::Function SessionWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&SessionWrap::layer_state>("layerState"), InstanceMethod<&SessionWrap::state_bytes>("stateBytes"),
       InstanceMethod<&SessionWrap::export_state>("exportState"),
       InstanceMethod<&SessionWrap::import_state>("importState"), InstanceMethod<&SessionWrap::dispose>("dispose")});
}

}  // namespace skipscan::binding
