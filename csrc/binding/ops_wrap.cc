// runOp(name, params, { backend?, threads? }) => Promise<route>: one operator on the memory of typed arrays, for lib/ops and
// for the tests that compare the kernels. The caller allocates the outputs.
#include <memory>
#include <mutex>
#include <optional>

#include "binding/exports.h"
#include "binding/op_params.h"
#include "cpu/cpu.h"

namespace skipscan::binding {
namespace {

// The threads that operators share: one call at a time, the others wait for their turn.
class SharedPool {
 public:
  template <class Work>
  Status use(int threads, const Work& work) {
    std::lock_guard lock(mutex_);
    if (!pool_ || pool_->threads() != threads) pool_.emplace(threads);
    return work(*pool_);
  }

 private:
  std::mutex mutex_;
  std::optional<ThreadPool> pool_;
};

SharedPool& shared_pool() {
  static auto* pool = new SharedPool;  // never destroyed: an operator may still run while the process exits
  return *pool;
}

template <class Params>
Napi::Value start(const Op<Params>& op, Napi::Object fields, int32_t panel, int threads) {
  const auto memory = std::make_shared<OpMemory>();
  const auto route = std::make_shared<std::string>();
  Params params;
  read(OpReader(fields, *memory, panel), params);
  return Task::start(
      fields.Env(), std::move(memory->keep),
      [params, memory, route, threads, &op] {  // memory: params point into it
        if (const Support support = op.supports(params); !support.ok) return fail(Code::unsupported, support.why);
        return shared_pool().use(threads, [&](ThreadPool& pool) {
          ExecContext context{pool};
          Status status = op.run(params, context);
          *route = context.route;
          return status;
        });
      },
      [route](Napi::Env env) { return Napi::String::New(env, *route); });
}

const Backend& find_backend(Napi::Env env, const Fields& options) {
  if (options.has("backend")) {
    const std::string name = options.text("backend");
    for (const Backend* b : cpu::available()) {
      if (b->name == name) return *b;
    }
    mismatch(env, "backend", "a backend that this machine has");
  }
  std::string why;
  const Backend* backend = cpu::choose(&why);
  if (!backend) throw to_error(env, fail(Code::argument, why));
  return *backend;
}

Napi::Value start(Napi::Env env, const std::string& name, Napi::Object params, const Fields& options) {
  const Backend& backend = find_backend(env, options);
  const double machine = std::max(1u, std::thread::hardware_concurrency());
  const double threads = options.has("threads") ? options.number("threads") : machine;
  if (!(threads >= 1 && threads <= 1024)) mismatch(env, "threads", "a number from 1 to 1024");
  const auto run = [&](const auto& op) { return start(op, params, backend.panel, int(threads)); };
  if (name == "embedding") return run(backend.embedding);
  if (name == "linear") return run(backend.linear);
  if (name == "rms_norm") return run(backend.rms_norm);
  if (name == "gated_rms_norm") return run(backend.gated_rms_norm);
  if (name == "causal_conv") return run(backend.causal_conv);
  if (name == "selective_scan") return run(backend.selective_scan);
  if (name == "ssd_scan") return run(backend.ssd_scan);
  if (name == "token_importance") return run(backend.token_importance);
  if (name == "select_tokens") return run(backend.select_tokens);
  if (name == "reduce_tokens") return run(backend.reduce_tokens);
  if (name == "selective_state_importance") return run(backend.selective_state_importance);
  if (name == "ssd_state_importance") return run(backend.ssd_state_importance);
  mismatch(env, "name", "an operator");
}

Napi::Value run_op(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsObject() || !info[2].IsObject()) {
    mismatch(env, "0 to 2", "a name, params and options");
  }
  try {
    return start(env, info[0].As<Napi::String>(), info[1].As<Napi::Object>(), Fields(info[2].As<Napi::Object>()));
  } catch (const std::bad_alloc&) {
    throw to_error(env, fail(Code::out_of_memory, "The system had no memory left for this operator."));
  }
}

}  // namespace

void export_ops(Napi::Env env, Napi::Object exports) {
  exports.Set("runOp", Napi::Function::New(env, run_op, "runOp"));
}

}  // namespace skipscan::binding
