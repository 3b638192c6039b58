#include "binding/model_calls.h"

#include <cstdio>

#include "binding/devices.h"

namespace skipscan::binding {

std::shared_ptr<Device> device_of(Napi::Env env, const Fields& options) {
  std::shared_ptr<Device> device;
  Status status = open_device(options.has("device") ? options.text("device") : "cpu", rounds_inputs(options), &device);
  if (!status.ok()) throw to_error(env, status);
  return device;
}

Napi::Value slots_to_js(Napi::Env env, const Weights& weights) {
  Napi::Array result = Napi::Array::New(env);
  for (const WeightSlot& slot : weights.slots()) {
    Napi::Array shape = Napi::Array::New(env);
    for (int64_t n : slot.shape) shape.Set(shape.Length(), double(n));
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", slot.name);
    entry.Set("shape", shape);
    result.Set(result.Length(), entry);
  }
  return result;
}

std::vector<TensorSource> read_sources(const Napi::Value& value) {
  Napi::Array list = value.As<Napi::Array>();
  std::vector<TensorSource> sources;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Fields f(list.Get(i).As<Napi::Object>());
    sources.push_back({f.text("slot"), f.text("file"), f.i64("offset"), f.dtype("dtype")});
  }
  return sources;
}

Napi::Value to_js(Napi::Env env, const std::vector<Profile::Row>& rows) {
  Napi::Array result = Napi::Array::New(env);
  for (const Profile::Row& row : rows) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", row.work.name);
    entry.Set("calls", double(row.calls));
    entry.Set("seconds", row.seconds);
    entry.Set("flops", row.work.flops);
    entry.Set("bytes", row.work.bytes);
    entry.Set("exponentials", row.work.exponentials);
    result.Set(result.Length(), entry);
  }
  return result;
}

Napi::Value finished(Napi::Env env, const Status& status, const Weights& weights, const char* backend) {
  if (!status.ok()) throw to_error(env, status);
  char fingerprint[17];
  std::snprintf(fingerprint, sizeof fingerprint, "%016llx", static_cast<unsigned long long>(weights.fingerprint()));
  Napi::Object result = Napi::Object::New(env);
  result.Set("fingerprint", fingerprint);
  result.Set("backend", backend);
  return result;
}

}  // namespace skipscan::binding
