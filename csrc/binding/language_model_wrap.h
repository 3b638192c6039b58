// LanguageModel and Session as JavaScript classes. lib/models checks arguments, queues calls and explains errors; here they
// are only handed on.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/external_bytes.h"
#include "binding/lane.h"
#include "engine/language_model.h"

namespace skipscan::binding {

class LanguageModelWrap : public Napi::ObjectWrap<LanguageModelWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit LanguageModelWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override { external_.set(env, 0); }

  // The model, or a thrown ERR_DISPOSED.
  std::shared_ptr<LanguageModel> model(Napi::Env env) const;

 private:
  Napi::Value slots(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value finish_loading(const Napi::CallbackInfo& info);
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value start_profile(const Napi::CallbackInfo& info);
  Napi::Value end_profile(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<LanguageModel> model_;
  std::unique_ptr<Lane> lane_ = std::make_unique<Lane>(1);  // one call at a time, of the model while it is open
  ExternalBytes external_;
};

class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SessionWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override;

  // The state, or a thrown ERR_DISPOSED.
  std::shared_ptr<SessionState> shared_state(Napi::Env env) const;

 private:
  Napi::Value layer_state(const Napi::CallbackInfo& info);
  Napi::Value state_bytes(const Napi::CallbackInfo& info);
  Napi::Value export_state(const Napi::CallbackInfo& info);
  Napi::Value import_state(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  SessionState& state(Napi::Env env) const { return *shared_state(env); }
  void release();

  std::shared_ptr<LanguageModel> model_;
  std::shared_ptr<SessionState> state_;
  ExternalBytes external_;
};

}  // namespace skipscan::binding
