// The one asynchronous worker: runs native work on a pool thread and settles a promise with its Status.
#pragma once
#include <napi.h>

#include <functional>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/status.h"

namespace skipscan::binding {

// Where there is no memory left, there is none for a message either: a Status that says so has an empty one.
constexpr const char* kNoMemory =
    "The system had no memory left for this call. Use a shorter prompt, a smaller model or dispose models and sessions "
    "that are "
    "no longer needed.";

// An error as lib/errors.ts reads it: `code` says which kind.
inline Napi::Error to_error(Napi::Env env, const Status& status) {
  const bool silent = status.code == Code::out_of_memory && status.message.empty();
  Napi::Error error = Napi::Error::New(env, silent ? kNoMemory : status.message.c_str());
  error.Set("code", Napi::String::New(env, name_of(status.code)));
  return error;
}

// Keeps JavaScript values alive while work runs on their memory.
class KeepAlive {
 public:
  void add(const Napi::Value& value) {
    if (value.IsObject()) kept_.push_back(Napi::Persistent(value.As<Napi::Object>()));
  }

 private:
  std::vector<Napi::ObjectReference> kept_;
};

// Turns anything that `work` throws into a Status, JavaScript's own errors excepted.
template <class Work>
Status guarded(const Work& work) {
  try {
    try {
      return work();
    } catch (const Napi::Error&) {
      throw;
    } catch (const std::system_error& e) {  // of threads that the system does not start
      const bool resources = e.code() == std::errc::resource_unavailable_try_again;
      return fail(resources ? Code::out_of_memory : Code::native, e.what());
    } catch (const std::bad_alloc&) {
      return {Code::out_of_memory, {}};
    } catch (const std::exception& e) {
      return fail(Code::native, e.what());
    } catch (...) {
      return fail(Code::native, "unknown native error");
    }
  } catch (const std::bad_alloc&) {  // by a message
    return {Code::out_of_memory, {}};
  }
}

class Task : public Napi::AsyncWorker {
 public:
  using Work = std::function<Status()>;                  // on the pool thread: no JavaScript value in here
  using Result = std::function<Napi::Value(Napi::Env)>;  // on the JavaScript thread, after the work succeeded

  // Starts `work` and returns the promise of `result`.
  static Napi::Value start(Napi::Env env, KeepAlive keep, Work work, Result result) {
    Task* task = new Task(env, std::move(keep), std::move(work), std::move(result));
    Napi::Promise promise = task->deferred_.Promise();
    task->Queue();
    return promise;
  }

 private:
  Task(Napi::Env env, KeepAlive keep, Work work, Result result)
      : Napi::AsyncWorker(env, "skipscan"),
        deferred_(Napi::Promise::Deferred::New(env)),
        keep_(std::move(keep)),
        work_(std::move(work)),
        result_(std::move(result)) {}

  void Execute() override { status_ = guarded(work_); }

  void OnOK() override {
    // A worker thread may be terminated while its call runs: then nothing of its JavaScript can be reached any more, every
    // attempt throws, and there is nobody left to tell.
    try {
      settle();
    } catch (const Napi::Error&) {
    }
  }

  void settle() {
    Napi::HandleScope scope(Env());
    if (!status_.ok()) return deferred_.Reject(to_error(Env(), status_).Value());
    Napi::Value value;
    try {
      status_ = guarded([&] {
        value = result_(Env());
        return Status{};
      });
    } catch (const Napi::Error& error) {
      return deferred_.Reject(error.Value());
    }
    if (!status_.ok()) return deferred_.Reject(to_error(Env(), status_).Value());
    deferred_.Resolve(value);
  }

  Napi::Promise::Deferred deferred_;
  KeepAlive keep_;
  Work work_;
  Result result_;
  Status status_;
};

}  // namespace skipscan::binding
