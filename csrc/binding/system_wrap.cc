// What the machine and this build offer.
#include "binding/exports.h"
#include "binding/task.h"
#include "cpu/cpu.h"

namespace skipscan::binding {
namespace {

Napi::Value cpu_backends(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string why;
  const Backend* chosen = cpu::choose(&why);
  if (!chosen) throw to_error(env, fail(Code::argument, why));
  Napi::Array available = Napi::Array::New(env);
  for (const Backend* b : cpu::available()) available.Set(available.Length(), b->name);
  Napi::Object result = Napi::Object::New(env);
  result.Set("available", available);
  result.Set("chosen", chosen->name);
  return result;
}

Napi::Value build_info(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
#if defined(__clang__)
  result.Set("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
  result.Set("compiler", "gcc " __VERSION__);
#endif
#if defined(__x86_64__)
  result.Set("architecture", "x64");
#elif defined(__aarch64__)
  result.Set("architecture", "arm64");
#else
  result.Set("architecture", "other");
#endif
#if defined(__GLIBC__)
  result.Set("glibc", std::to_string(__GLIBC__) + "." + std::to_string(__GLIBC_MINOR__));
#endif
  result.Set("cuda", false);
  return result;
}

}  // namespace

void export_system(Napi::Env env, Napi::Object exports) {
  exports.Set("cpuBackends", Napi::Function::New(env, cpu_backends, "cpuBackends"));
  exports.Set("buildInfo", Napi::Function::New(env, build_info, "buildInfo"));
}

}  // namespace skipscan::binding
