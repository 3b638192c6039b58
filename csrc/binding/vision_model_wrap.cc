#include "binding/vision_model_wrap.h"

#include <chrono>

#include "binding/convert.h"
#include "binding/exports.h"
#include "binding/model_calls.h"
#include "binding/reduction_reader.h"

namespace skipscan::binding {
namespace {

// VisionConfig of lib/models/vision-config.ts.
VisionConfig read_config(const Fields& f) {
  VisionConfig c;
  c.family = f.text("family") == "vim" ? VisionFamily::vim : VisionFamily::plain_mamba;
  c.d_model = f.i32("dModel");
  c.layers = f.i32("layers");
  c.classes = f.i32("numClasses");
  c.d_inner = f.i32("dInner");
  c.d_state = f.i32("dState");
  c.dt_rank = f.i32("dtRank");
  c.conv_width = f.i32("convWidth");
  c.patch = f.i32("patchSize");
  c.stride = f.i32("stride");
  const std::vector<int32_t> grid = numbers<int32_t>(f.value("grid"));
  c.grid_rows = grid.at(0);
  c.grid_cols = grid.at(1);
  c.norm_eps = float(f.number("normEps"));
  c.final_norm_eps = float(f.number("finalNormEps"));
  c.divide_out = f.flag("divideOut");
  c.stem_convs = f.i32("stemConvs");
  c.depthwise_layers = numbers<int32_t>(f.value("depthwiseLayers"));
  c.projection_bias = f.flag("projectionBias");
  c.batch_norm_eps = float(f.number("batchNormEps"));
  return c;
}

Napi::Float32Array to_float32(Napi::Env env, const std::vector<float>& values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace

VisionModelWrap::VisionModelWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<VisionModelWrap>(info) {
  model_ = make_model<VisionModel>(info.Env(), read_config(Fields(info[0].As<Napi::Object>())),
                                   Fields(info[1].As<Napi::Object>()));
}

Napi::Value VisionModelWrap::slots(const Napi::CallbackInfo& info) {
  return slots_to_js(info.Env(), opened(info.Env(), model_)->weights());
}

Napi::Value VisionModelWrap::load(const Napi::CallbackInfo& info) {
  return load_weights(info, model_, lane_.get(), external_);
}

Napi::Value VisionModelWrap::finish_loading(const Napi::CallbackInfo& info) {
  const auto m = opened(info.Env(), model_);
  return finished(info.Env(), m->finish_loading(), m->weights(), m->backend().name);
}

// (pixels: Float32Array, { images, height, width }, { logits, features?, hidden?, residual?, scores, reduction? }, cancel:
// Int32Array) fills the arrays and resolves to { milliseconds, kept, scores? }.
Napi::Value VisionModelWrap::forward(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto m = opened(env, model_);
  const Fields shape(info[1].As<Napi::Object>()), f(info[2].As<Napi::Object>());
  const auto pixels = to_span<float>(info[0], "pixels");
  const auto cancel = to_span<int32_t>(info[3], "cancel");
  const int32_t images = shape.i32("images");
  const ImageSize size = {shape.i32("height"), shape.i32("width")};
  const VisionConfig& c = m->config();
  const PatchGrid grid = PatchGrid::of(c, size.height, size.width);
  if (cancel.size == 0) mismatch(env, "cancel", "one number");
  if (images < 1 || size.height < 1 || size.width < 1 || grid.patches() < 1)
    mismatch(env, "shape", "at least one image of one patch");
  const auto check = [&](const char* name, const Span<float>& span, size_t count) {
    if (span.size != count) mismatch(env, name, "its size");
    return span.data;
  };
  const auto check_optional = [&](const char* name, size_t count) {
    return f.has(name) ? check(name, f.span<float>(name), count) : nullptr;
  };
  check("pixels", pixels, size_t(images) * 3 * size_t(size.height) * size_t(size.width));
  const size_t features = size_t(images) * c.d_model;
  struct Result {
    VisionOutput out;
    double milliseconds = 0;
  };
  const auto result = std::make_shared<Result>();
  VisionOutput& out = result->out;
  out.logits = check("logits", f.span<float>("logits"), size_t(images) * c.classes);
  out.features = check_optional("features", features);
  out.hidden = check_optional("hidden", features * c.layers * grid.tokens());
  out.residual = check_optional("residual", features * c.layers * grid.tokens());
  if (!out.hidden != !out.residual) mismatch(env, "residual", "to come with hidden");
  out.wants_scores = f.flag("scores");
  KeepAlive keep;
  for (const Napi::Value& v : {Napi::Value(info.This()), info[0], info[2], info[3], f.value("logits"),
                               f.value("features"), f.value("hidden"), f.value("residual")}) {
    keep.add(v);
  }
  return Task::start(
      env, *lane_, std::move(keep),
      [=, reduction = read_reduction(f.value("reduction"))] {
        const auto start = std::chrono::steady_clock::now();
        const VisionInput in{.pixels = pixels.data,
                             .images = images,
                             .size = size,
                             .reduction = reduction ? &*reduction : nullptr,
                             .cancelled = cancel.data};
        Status status = m->forward(in, result->out);
        result->milliseconds =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        return status;
      },
      [result](Napi::Env env) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("milliseconds", result->milliseconds);
        object.Set("kept", to_js(env, result->out.kept));
        if (result->out.scores.empty()) return object;
        Napi::Array scores = Napi::Array::New(env);
        for (const std::vector<float>& values : result->out.scores) {
          scores.Set(scores.Length(), to_float32(env, values));
        }
        object.Set("scores", scores);
        return object;
      },
      cancel.data);
}

// (height, width): { positions, moves? }, (directions, tokens) each.
Napi::Value VisionModelWrap::scan_orders(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const VisionConfig& config = opened(env, model_)->config();
  const int32_t height = info[0].As<Napi::Number>().Int32Value(), width = info[1].As<Napi::Number>().Int32Value();
  if (height < 1 || width < 1) mismatch(env, "height", "a size of at least one pixel");
  const ScanOrders orders = skipscan::scan_orders(config, PatchGrid::of(config, height, width));
  Napi::Object result = Napi::Object::New(env);
  result.Set("positions", to_int32(env, orders.positions));
  if (!orders.moves.empty()) result.Set("moves", to_int32(env, orders.moves));
  return result;
}

Napi::Value VisionModelWrap::memory(const Napi::CallbackInfo& info) {
  const auto m = opened(info.Env(), model_);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("weights", double(m->weights().bytes()));
  result.Set("workspace", double(m->workspace_bytes()));
  return result;
}

// Operators are measured from here on; endProfile() ends that and says what was measured.
Napi::Value VisionModelWrap::start_profile(const Napi::CallbackInfo& info) {
  opened(info.Env(), model_)->core().start_profile();
  return info.Env().Undefined();
}

Napi::Value VisionModelWrap::end_profile(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), opened(info.Env(), model_)->core().end_profile());
}

// Gives the memory back as soon as no running call needs it. lib/ waits for those first.
Napi::Value VisionModelWrap::dispose(const Napi::CallbackInfo& info) {
  model_.reset();
  lane_.reset();
  external_.set(info.Env(), 0);
  return info.Env().Undefined();
}

Napi::Function VisionModelWrap::define(Napi::Env env) {
  return DefineClass(
      env, "VisionModel",
      {InstanceMethod<&VisionModelWrap::slots>("slots"), InstanceMethod<&VisionModelWrap::load>("load"),
       InstanceMethod<&VisionModelWrap::finish_loading>("finishLoading"),
       InstanceMethod<&VisionModelWrap::forward>("forward"),
       InstanceMethod<&VisionModelWrap::scan_orders>("scanOrders"), InstanceMethod<&VisionModelWrap::memory>("memory"),
       InstanceMethod<&VisionModelWrap::start_profile>("startProfile"),
       InstanceMethod<&VisionModelWrap::end_profile>("endProfile"),
       InstanceMethod<&VisionModelWrap::dispose>("dispose")});
}

void export_vision_model(Napi::Env env, Napi::Object exports) {
  exports.Set("VisionModel", VisionModelWrap::define(env));
}

}  // namespace skipscan::binding
