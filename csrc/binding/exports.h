// The parts of the addon, one file each.
#pragma once
#include <napi.h>

namespace skipscan::binding {

void export_system(Napi::Env env, Napi::Object exports);          // system_wrap.cc
void export_device_array(Napi::Env env, Napi::Object exports);    // device_array_wrap.cc
void export_ops(Napi::Env env, Napi::Object exports);             // ops_wrap.cc
void export_image(Napi::Env env, Napi::Object exports);           // image_wrap.cc
void export_language_model(Napi::Env env, Napi::Object exports);  // language_model_wrap.cc, session_wrap.cc
void export_vision_model(Napi::Env env, Napi::Object exports);    // vision_model_wrap.cc

}  // namespace skipscan::binding
