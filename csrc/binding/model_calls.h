// What the wraps of all kinds of models do alike.
#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "binding/convert.h"
#include "binding/external_bytes.h"
#include "binding/task.h"
#include "engine/weights.h"

namespace skipscan::binding {

// The model, or a thrown ERR_DISPOSED.
template <class Model>
std::shared_ptr<Model> opened(Napi::Env env, const std::shared_ptr<Model>& model) {
  if (model) return model;
  Napi::Error error = Napi::Error::New(env, "This model was disposed. Load it again to use it.");
  error.Set("code", "ERR_DISPOSED");
  throw error;
}

// The device that a model's options name, or a thrown error.
std::shared_ptr<Device> device_of(Napi::Env env, const Fields& options);

// A model without weights as its options say, or a thrown error: its threads may not start.
template <class Model, class Config>
std::shared_ptr<Model> make_model(Napi::Env env, const Config& config, const Fields& options) {
  std::shared_ptr<Model> model;
  const Status status = guarded([&] {
    model =
        std::make_shared<Model>(config, device_of(env, options), options.weight_dtype("dtype"), options.i32("threads"));
    return Status{};
  });
  if (!status.ok()) throw to_error(env, status);
  return model;
}

// [{ name, shape }]: the tensors that a model is made of.
Napi::Value slots_to_js(Napi::Env env, const Weights& weights);

// { slot, file, offset, dtype }[]
std::vector<TensorSource> read_sources(const Napi::Value& list);

// Reads and packs these tensors; `external` then counts their bytes.
template <class Model>
Napi::Value load_weights(const Napi::CallbackInfo& info, const std::shared_ptr<Model>& model, Lane* lane,
                         ExternalBytes& external) {
  const auto open = opened(info.Env(), model);
  KeepAlive keep;
  keep.add(info.This());
  return Task::start(
      info.Env(), *lane, std::move(keep),
      [m = open, sources = read_sources(info[0])] {
        for (const TensorSource& source : sources) SKIPSCAN_TRY(m->load(source));
        return Status{};
      },
      [&model, &external](Napi::Env env) {
        if (model) external.set(env, int64_t(model->weights().bytes()));
        return env.Undefined();
      });
}

// { name, calls, seconds, flops, bytes, exponentials }[]
Napi::Value to_js(Napi::Env env, const std::vector<Profile::Row>& rows);

// Checks that nothing is missing; { fingerprint, backend }.
Napi::Value finished(Napi::Env env, const Status& status, const Weights& weights, const char* backend);

}  // namespace skipscan::binding
