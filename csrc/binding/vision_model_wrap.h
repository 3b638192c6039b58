// VisionModel as a JavaScript class. lib/models checks arguments, queues calls and explains errors; here they are only handed on.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/external_bytes.h"
#include "binding/lane.h"
#include "engine/vision_model.h"

namespace skipscan::binding {

class VisionModelWrap : public Napi::ObjectWrap<VisionModelWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit VisionModelWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override { external_.set(env, 0); }

 private:
  Napi::Value slots(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value finish_loading(const Napi::CallbackInfo& info);
  Napi::Value forward(const Napi::CallbackInfo& info);
  Napi::Value scan_orders(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value start_profile(const Napi::CallbackInfo& info);
  Napi::Value end_profile(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<VisionModel> model_;
  std::unique_ptr<Lane> lane_ = std::make_unique<Lane>(1);  // one call at a time, of the model while it is open
  ExternalBytes external_;
};

}  // namespace skipscan::binding
