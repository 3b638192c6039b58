// runOp(name, params, { device?, backend?, threads? }) => Promise<route>: one operator on the memory of typed arrays or of
// DeviceArrays, for lib/ops and for the tests that compare the kernels. The caller allocates the outputs.
#include <memory>
#include <optional>

#include "binding/devices.h"
#include "binding/exports.h"
#include "binding/js_params.h"
#include "calls/op_call.h"

namespace skipscan::binding {
namespace {

// The threads that operators share. Their lane does one after another.
class SharedPool {
 public:
  template <class Work>
  Status use(int threads, const Work& work) {
    if (!pool_ || pool_->threads() != threads) pool_.emplace(threads);
    return work(*pool_);
  }

 private:
  std::optional<ThreadPool> pool_;
};

SharedPool& shared_pool() {
  static auto* pool = new SharedPool;  // never destroyed: an operator may still run while the process exits
  return *pool;
}

Napi::Value start(Napi::Env env, const std::string& name, Napi::Object fields, const Fields& options) {
  const double machine = std::max(1u, std::thread::hardware_concurrency());
  const double threads = options.has("threads") ? options.number("threads") : machine;
  if (!(threads >= 1 && threads <= 1024)) mismatch(env, "threads", "a number from 1 to 1024");
  std::shared_ptr<Device> device;
  Status status = shared_device(options.has("device") ? options.text("device") : "cpu",
                                options.has("backend") ? options.text("backend") : "", rounds_inputs(options), &device);
  if (!status.ok()) throw to_error(env, status);
  JsParams params(fields);
  const auto call = std::make_shared<OpCall>(name, params, std::move(device));
  const auto route = std::make_shared<std::string>();
  return Task::start(
      env, operator_lane(), params.take_keep(),
      [call, route, threads, contents = params.take_contents()] {
        return shared_pool().use(int(threads), [&](ThreadPool& pool) { return call->run(pool, route.get()); });
      },
      [route](Napi::Env env) { return Napi::String::New(env, *route); });
}

Napi::Value run_op(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsObject() || !info[2].IsObject()) {
    mismatch(env, "0 to 2", "a name, params and options");
  }
  Napi::Value promise;
  const Status status = guarded([&] {
    try {
      promise = start(env, info[0].As<Napi::String>(), info[1].As<Napi::Object>(), Fields(info[2].As<Napi::Object>()));
      return Status{};
    } catch (const ParamError& error) {
      return fail(Code::argument, error.what());
    }
  });
  if (!status.ok()) throw to_error(env, status);
  return promise;
}

}  // namespace

void export_ops(Napi::Env env, Napi::Object exports) {
  exports.Set("runOp", Napi::Function::New(env, run_op, "runOp"));
}

}  // namespace skipscan::binding
