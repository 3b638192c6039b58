// Reading arguments that lib/ has already checked. What is wrong here is a mistake in lib/, still answered by an error.
#pragma once
#include <napi.h>

#include <string>
#include <type_traits>

#include "core/dtype.h"

namespace skipscan::binding {

[[noreturn]] inline void mismatch(Napi::Env env, const std::string& name, const char* expected) {
  Napi::TypeError error =
      Napi::TypeError::New(env, "Expected " + std::string(expected) + " for native argument " + name + ".");
  error.Set("code", Napi::String::New(env, "ERR_ARGUMENT"));
  throw error;
}

// A view of a typed array's memory.
template <class T>
struct Span {
  T* data = nullptr;  // null when the value was absent
  size_t size = 0;
};

template <class T>
constexpr napi_typedarray_type array_type() {
  if constexpr (std::is_same_v<T, float>) return napi_float32_array;
  if constexpr (std::is_same_v<T, int32_t>) return napi_int32_array;
  if constexpr (std::is_same_v<T, uint16_t>) return napi_uint16_array;
  if constexpr (std::is_same_v<T, uint8_t>) return napi_uint8_array;
}

// The typed array `value`, or an empty span when it is undefined or null and `optional`.
template <class T>
Span<T> to_span(const Napi::Value& value, const std::string& name, bool optional = false) {
  if (optional && (value.IsUndefined() || value.IsNull())) return {};
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != array_type<T>()) {
    mismatch(value.Env(), name,
             optional ? "a typed array of its element type or nothing" : "a typed array of its element type");
  }
  Napi::TypedArray array = value.As<Napi::TypedArray>();
  return {reinterpret_cast<T*>(static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset()),
          array.ElementLength()};
}

inline DType to_dtype(Napi::Env env, const std::string& text, const char* name) {
  for (DType t : {DType::f32, DType::bf16, DType::f16, DType::i32}) {
    if (text == name_of(t)) return t;
  }
  mismatch(env, name, "one of f32, bf16, f16, i32");
}

// Named fields of an options object.
class Fields {
 public:
  explicit Fields(Napi::Object object) : object_(object) {}

  Napi::Value value(const char* name) const { return object_.Get(name); }
  bool has(const char* name) const { return !value(name).IsUndefined() && !value(name).IsNull(); }

  double number(const char* name) const {
    Napi::Value v = value(name);
    if (!v.IsNumber()) mismatch(object_.Env(), name, "a number");
    return v.As<Napi::Number>().DoubleValue();
  }
  int32_t i32(const char* name) const { return int32_t(number(name)); }
  int64_t i64(const char* name) const { return int64_t(number(name)); }
  bool flag(const char* name) const { return value(name).ToBoolean().Value(); }

  std::string text(const char* name) const {
    Napi::Value v = value(name);
    if (!v.IsString()) mismatch(object_.Env(), name, "a string");
    return v.As<Napi::String>().Utf8Value();
  }

  template <class T>
  Span<T> span(const char* name, bool optional = false) const {
    return to_span<T>(value(name), name, optional);
  }

  DType dtype(const char* name) const { return to_dtype(object_.Env(), text(name), name); }
  // Which weights may be too.
  DType weight_dtype(const char* name) const { return text(name) == name_of(DType::i8) ? DType::i8 : dtype(name); }

 private:
  Napi::Object object_;
};

}  // namespace skipscan::binding
