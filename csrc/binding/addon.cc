// What the addon exports; lib/native-types.ts is its typed description.
#include <napi.h>

#include "binding/exports.h"

namespace skipscan::binding {

Napi::Object init(Napi::Env env, Napi::Object exports) {
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
