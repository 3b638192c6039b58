// Native memory of a JavaScript object, reported to V8 for as long as it lives.
#pragma once
#include <napi.h>

namespace skipscan::binding {

class ExternalBytes {
 public:
  void set(Napi::Env env, int64_t bytes) {
    int64_t now;  // the plain call: it may fail while a worker thread is torn down, which must not throw
    napi_adjust_external_memory(env, bytes - reported_, &now);
    reported_ = bytes;
  }

 private:
  int64_t reported_ = 0;
};

}  // namespace skipscan::binding
