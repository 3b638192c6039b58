// DeviceArray: elements in the memory of a GPU, as a JavaScript class.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/external_bytes.h"
#include "calls/param_source.h"

namespace skipscan::binding {

class DeviceArrayWrap : public Napi::ObjectWrap<DeviceArrayWrap> {
 public:
  // Memory that calls share with the array while they run.
  struct Content {
    std::shared_ptr<Device> device;
    Memory memory;
    DType dtype = DType::f32;
    int64_t length = 0;
  };

  static Napi::Function define(Napi::Env env);
  explicit DeviceArrayWrap(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override { external_.set(env, 0); }

  // The content if `value` is a DeviceArray that was not disposed, else null.
  static std::shared_ptr<const Content> content_of(const Napi::Value& value);

 private:
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  std::shared_ptr<const Content> content(Napi::Env env) const;
  // The memory of a typed array with the elements of this one.
  static void* host_memory(const Content& content, const Napi::Value& value);

  std::shared_ptr<const Content> content_;
  ExternalBytes external_;
};

}  // namespace skipscan::binding
