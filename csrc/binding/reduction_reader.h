// A reduction as lib/reduction describes it, and what it left, between JavaScript and the engine.
#pragma once
#include <napi.h>

#include <optional>

#include "binding/convert.h"
#include "engine/reducer.h"

namespace skipscan::binding {

// The value of a name among an enum's names in order.
template <class Enum>
Enum choice_of(const Fields& f, const char* field, std::initializer_list<const char*> names) {
  const std::string text = f.text(field);
  int i = 0;
  for (const char* name : names) {
    if (text == name) return Enum(i);
    ++i;
  }
  mismatch(f.value(field).Env(), field, "one of its values");
}

template <class T>
std::vector<T> numbers(const Napi::Value& value) {
  Napi::Array array = value.As<Napi::Array>();
  std::vector<T> out;
  for (uint32_t i = 0; i < array.Length(); ++i) out.push_back(T(array.Get(i).As<Napi::Number>().DoubleValue()));
  return out;
}

// NativeReduction of lib/native-model-types.ts; nothing when it is absent.
inline std::optional<Reduction> read_reduction(const Napi::Value& value) {
  if (!value.IsObject()) return std::nullopt;
  const Fields f(value.As<Napi::Object>());
  Reduction r;
  r.layers = numbers<int32_t>(f.value("layers"));
  r.keep = numbers<double>(f.value("keep"));
  r.released_top = f.text("name") == "released-top";
  if (!r.released_top) {
    r.policy = choice_of<ReductionPolicy>(
        f, "name", {"utrc", "prune", "merge", "ltmp", "uniform", "random", "recent", "released-utrc"});
  }
  r.metric = choice_of<ImportanceMetric>(f, "metric", {"clip", "l1", "l2", "sum", "delta", "state", "novel", "novel2"});
  r.source = choice_of<ImportanceSource>(f, "source", {"gated", "ssm", "block"});
  r.alignment = choice_of<Alignment>(f, "alignment", {"none", "next", "previous"});
  r.conv = choice_of<ConvMode>(f, "conv", {"compact", "aligned"});
  r.similarity = choice_of<Similarity>(f, "similarity", {"hidden", "residual", "sum"});
  r.q_hidden = f.number("qHidden");
  r.q_residual = f.number("qResidual");
  r.prune_below = f.number("pruneBelow");
  r.merge_above = f.number("mergeAbove");
  r.seed = uint64_t(f.number("seed"));
  r.fuse = f.flag("fuse");
  r.forward = f.flag("forward");
  r.protect = numbers<int32_t>(f.value("protect"));
  r.protect_last = f.i32("protectLast");
  return r;
}

inline Napi::Int32Array to_int32(Napi::Env env, const std::vector<int32_t>& values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// [{ layer, offsets, positions }]
inline Napi::Array to_js(Napi::Env env, const std::vector<KeptRows>& kept) {
  Napi::Array list = Napi::Array::New(env);
  for (const KeptRows& k : kept) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("layer", k.layer);
    entry.Set("offsets", to_int32(env, k.offsets));
    entry.Set("positions", to_int32(env, k.positions));
    list.Set(list.Length(), entry);
  }
  return list;
}

}  // namespace skipscan::binding
