// Asynchronous work: runs on a lane's thread and settles a promise with its Status on the JavaScript thread.
#pragma once
#include <napi.h>

#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "binding/lane.h"
#include "core/status.h"

namespace skipscan::binding {

// Where there is no memory left, there is none for a message either: a Status that says so has an empty one.
constexpr const char* kNoMemory =
    "The system had no memory left for this call. Use a shorter prompt, a smaller model or dispose models and sessions "
    "that are no longer needed.";

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
