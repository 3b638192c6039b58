// resampleImage(pixels, from, to, crop) => Promise<Uint8Array>: csrc/image/resample.h beside the event loop.
#include "image/resample.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "binding/convert.h"
#include "binding/exports.h"
#include "binding/task.h"

namespace skipscan::binding {
namespace {

// Whole numbers that a double holds exactly. A crop is made, so its size has to be one whose product fits too.
constexpr double kMostPlace = 9007199254740991.0, kMostMade = 2147483647.0;

int64_t length(const Fields& fields, const char* name, double least, double most) {
  const double value = fields.number(name);
  if (!(value >= least && value <= most) || value != std::floor(value)) {
    mismatch(fields.value(name).Env(), name, "a length in pixels");
  }
  return int64_t(value);
}

image::Size to_size(const Napi::Value& value, const char* name, double most = kMostPlace) {
  if (!value.IsObject()) mismatch(value.Env(), name, "{ width, height }");
  const Fields fields(value.As<Napi::Object>());
  return {length(fields, "width", 1, most), length(fields, "height", 1, most)};
}

image::Box to_box(const Napi::Value& value, const image::Size& whole) {
  const image::Size size = to_size(value, "crop", kMostMade);
  const Fields fields(value.As<Napi::Object>());
  const image::Box box{length(fields, "left", 0, kMostPlace), length(fields, "top", 0, kMostPlace), size.width,
                       size.height};
  // Not by sums, which could overflow.
  if (box.width > whole.width || box.left > whole.width - box.width || box.height > whole.height ||
      box.top > whole.height - box.height) {
    mismatch(value.Env(), "crop", "a box within the resampled image");
  }
  return box;
}

Napi::Value resample_image(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto pixels = to_span<uint8_t>(info[0], "pixels");
  const image::Size from = to_size(info[1], "from"), to = to_size(info[2], "to");
  const image::Box crop = to_box(info[3], to);
  const int64_t row = int64_t(pixels.size) / from.height;
  if (row * from.height != int64_t(pixels.size) || row % 3 != 0 || row / 3 != from.width) {
    mismatch(env, "pixels", "height x width x 3 bytes");
  }
  KeepAlive keep;
  keep.add(info[0]);
  const auto out = std::make_shared<std::vector<uint8_t>>();
  return Task::start(
      env, background_lane(), std::move(keep),
      [=] {
        out->resize(size_t(crop.width) * size_t(crop.height) * 3);
        image::resample_bicubic(pixels.data, from, to, crop, out->data());
        return Status{};
      },
      [out](Napi::Env env) {
        Napi::Uint8Array array = Napi::Uint8Array::New(env, out->size());
        std::copy(out->begin(), out->end(), array.Data());
        return array;
      });
}

}  // namespace

void export_image(Napi::Env env, Napi::Object exports) {
  exports.Set("resampleImage", Napi::Function::New(env, resample_image, "resampleImage"));
}

}  // namespace skipscan::binding
