// Asynchronous work: runs on a lane's thread and settles a promise with its Status on the JavaScript thread.
#pragma once
#include <napi.h>

#include <functional>
#include <string>
#include <vector>

#include "binding/lane.h"
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

// A task keeps the process alive until its promise is settled. Where the environment ends before, as when a worker thread is
// terminated, the work is not begun any more, or it is cancelled and waited for: it must not outlive the memory that is kept alive.
struct Task {
  using Work = std::function<Status()>;                  // on the lane's thread: no JavaScript value in here
  using Result = std::function<Napi::Value(Napi::Env)>;  // on the JavaScript thread, after the work succeeded

  // Starts `work` and returns the promise of `result`. `cancel`, kept alive too, is set to 1 where the environment ends meanwhile.
  static Napi::Value start(Napi::Env env, Lane& lane, KeepAlive keep, Work work, Result result,
                           int32_t* cancel = nullptr);
};

}  // namespace skipscan::binding
