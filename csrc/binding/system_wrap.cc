// What the machine and this build offer.
#include "binding/exports.h"
#include "binding/task.h"
#include "cpu/cpu.h"
#include "cpu/limits.h"
#ifdef SKIPSCAN_CUDA
#include "cuda/device.h"
#endif

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
  result.Set("version", SKIPSCAN_VERSION);
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
#ifdef SKIPSCAN_CUDA
  result.Set("cuda", true);
#else
  result.Set("cuda", false);
#endif
  return result;
}

// { devices: { name, memory, capability, multiprocessors }[], driver?, runtime?, reason? }
Napi::Value cuda_status(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  Napi::Array devices = Napi::Array::New(env);
  result.Set("devices", devices);
#ifdef SKIPSCAN_CUDA
  const cuda::System& system = cuda::inspect();
  for (const cuda::Gpu& gpu : system.gpus) {
    Napi::Object device = Napi::Object::New(env);
    device.Set("name", gpu.name);
    device.Set("memory", double(gpu.memory));
    device.Set("capability", std::to_string(gpu.major) + "." + std::to_string(gpu.minor));
    device.Set("multiprocessors", gpu.multiprocessors);
    devices.Set(devices.Length(), device);
  }
  const auto version = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
  if (system.driver > 0) result.Set("driver", version(system.driver));
  if (system.runtime > 0) result.Set("runtime", version(system.runtime));
  if (!system.why.empty()) result.Set("reason", system.why);
#else
  result.Set("reason", "this build has no CUDA kernels.");
#endif
  return result;
}

// (threads): Promise<{ flops, bytes, exponentials }>, each a second.
Napi::Value measure_limits(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string why;
  const Backend* chosen = cpu::choose(&why);
  if (!chosen) throw to_error(env, fail(Code::argument, why));
  const int threads = info[0].As<Napi::Number>().Int32Value();
  const auto limits = std::make_shared<cpu::Limits>();
  return Task::start(
      env, background_lane(), {},
      [=] {
        *limits = cpu::measure_limits(*chosen, threads);
        return Status{};
      },
      [limits](Napi::Env env) {
        Napi::Object result = Napi::Object::New(env);
        result.Set("flops", limits->flops);
        result.Set("bytes", limits->bytes);
        result.Set("exponentials", limits->exponentials);
        return result;
      });
}

}  // namespace

void export_system(Napi::Env env, Napi::Object exports) {
  exports.Set("cpuBackends", Napi::Function::New(env, cpu_backends, "cpuBackends"));
  exports.Set("cudaStatus", Napi::Function::New(env, cuda_status, "cudaStatus"));
  exports.Set("measureLimits", Napi::Function::New(env, measure_limits, "measureLimits"));
  exports.Set("buildInfo", Napi::Function::New(env, build_info, "buildInfo"));
}

}  // namespace skipscan::binding
