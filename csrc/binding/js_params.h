// The params of an operator call from a JavaScript object. Its arrays are used where they are.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "binding/convert.h"
#include "binding/device_array_wrap.h"
#include "binding/task.h"
#include "calls/param_source.h"

namespace skipscan::binding {

class JsParams final : public ParamSource {
 public:
  explicit JsParams(Napi::Object params) : params_(params) {}

  bool has(const std::string& name) const override {
    const Napi::Value v = value(name);
    return !v.IsUndefined() && !v.IsNull();
  }
  double number(const std::string& name) const override {
    const Napi::Value v = value(name);
    if (!v.IsNumber()) throw ParamError(name, "a number");
    return v.As<Napi::Number>().DoubleValue();
  }
  bool flag(const std::string& name) const override { return value(name).ToBoolean().Value(); }
  std::string text(const std::string& name) const override {
    const Napi::Value v = value(name);
    if (!v.IsString()) throw ParamError(name, "a string");
    return v.As<Napi::String>().Utf8Value();
  }
  ParamArray array(const std::string& name) const override {
    const Napi::Value v = value(name);
    if (const auto content = DeviceArrayWrap::content_of(v)) {
      contents_.push_back(content);
      return {content->memory.as<void>(), content->length, content->dtype, content->device.get()};
    }
    if (!v.IsTypedArray()) throw ParamError(name, "a typed array or a DeviceArray");
    keep_.add(v);
    const auto typed = v.As<Napi::TypedArray>();
    void* data = static_cast<uint8_t*>(typed.ArrayBuffer().Data()) + typed.ByteOffset();
    const int64_t count = int64_t(typed.ElementLength());
    switch (typed.TypedArrayType()) {
      case napi_float32_array: return {data, count, DType::f32};
      case napi_int32_array: return {data, count, DType::i32};
      case napi_uint16_array: return {data, count, DType::bf16};
      default: throw ParamError(name, "a Float32Array, an Int32Array or a Uint16Array");
    }
  }

  // What the arrays that were read so far live in.
  KeepAlive take_keep() { return std::move(keep_); }
  std::vector<std::shared_ptr<const DeviceArrayWrap::Content>> take_contents() { return std::move(contents_); }

 private:
  // "path.index" is the field index of the object path.
  Napi::Value value(const std::string& name) const {
    const size_t dot = name.find('.');
    if (dot == std::string::npos) return params_.Get(name);
    const Napi::Value inner = params_.Get(name.substr(0, dot));
    if (!inner.IsObject()) throw ParamError(name.substr(0, dot), "an object");
    return inner.As<Napi::Object>().Get(name.substr(dot + 1));
  }

  Napi::Object params_;
  mutable KeepAlive keep_;
  mutable std::vector<std::shared_ptr<const DeviceArrayWrap::Content>> contents_;
};

}  // namespace skipscan::binding
