// The one asynchronous worker: runs native work on a pool thread and settles a promise with its Status.
#pragma once
#include <napi.h>

#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"

namespace skipscan::binding {

// An error as lib/errors.ts reads it: `code` says which kind.
inline Napi::Error to_error(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message);
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
    try {
      deferred_.Resolve(result_(Env()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 public:
  // Turns anything thrown into a Status.
  static Status guarded(const Work& work) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      return fail(
          Code::out_of_memory,
          "The system had no memory left for this call. Use a shorter prompt, a smaller model or dispose sessions "
          "that are no longer needed.");
    } catch (const std::exception& e) {
      return fail(Code::native, e.what());
    } catch (...) {
      return fail(Code::native, "unknown native error");
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  KeepAlive keep_;
  Work work_;
  Result result_;
  Status status_;
};

}  // namespace skipscan::binding
