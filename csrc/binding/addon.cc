// What the addon exports; lib/native-types.ts is its typed description.
#include <dlfcn.h>
#include <napi.h>

#include "binding/exports.h"

namespace skipscan::binding {

// Node unloads an addon with the last worker thread that loaded it, but threads of ours may still be about to end.
static void stay_loaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<const void*>(&stay_loaded), &self)) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  export_system(env, exports);
  export_device_array(env, exports);
  export_ops(env, exports);
  export_image(env, exports);
  export_language_model(env, exports);
  export_vision_model(env, exports);
  return exports;
}

}  // namespace skipscan::binding

static Napi::Object init(Napi::Env env, Napi::Object exports) { return skipscan::binding::init(env, exports); }

NODE_API_MODULE(skipscan, init)
