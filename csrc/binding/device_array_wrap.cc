#include "binding/device_array_wrap.h"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>

#include "binding/convert.h"
#include "binding/devices.h"
#include "binding/exports.h"
#include "binding/task.h"

namespace skipscan::binding {
namespace {

// DeviceArrays are told from other objects by this mark.
constexpr napi_type_tag kTag = {0x736b697073636e31, 0x6465766963656172};

// Arrays whose memory is on its way back. A device that looks full may not be until they are done.
class Releases {
 public:
  void begin() {
    std::lock_guard lock(mutex_);
    ++running_;
  }
  void end() {
    std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }
  // Whether there was anything to wait for.
  bool wait() {
    std::unique_lock lock(mutex_);
    const bool any = running_ > 0;
    changed_.wait(lock, [&] { return running_ == 0; });
    return any;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;
};

Releases& releases() {
  alignas(Releases) static std::byte memory[sizeof(Releases)];
  static auto* releases = new (memory) Releases;  // never destroyed: one may still run while the process exits
  return *releases;
}

// Counts from its beginning until the memory is given back, or is not going to be, because its environment ended before.
struct Release {
  explicit Release(std::shared_ptr<const void> memory) : content(std::move(memory)) { releases().begin(); }
  ~Release() {
    content.reset();
    releases().end();
  }
  Release(const Release&) = delete;
  Release& operator=(const Release&) = delete;

  std::shared_ptr<const void> content;
};

}  // namespace

// (device: string, dtype: string, length: number): zeros.
DeviceArrayWrap::DeviceArrayWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceArrayWrap>(info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsString() || !info[2].IsNumber()) {
    mismatch(env, "0 to 2", "a device, a dtype and a length");
  }
  const double length = info[2].As<Napi::Number>().DoubleValue();
  if (!(length >= 0 && length <= 0x1p48)) mismatch(env, "length", "a size that memory can have");
  auto content = std::make_shared<Content>();
  content->dtype = to_dtype(env, info[1].As<Napi::String>(), "dtype");
  content->length = int64_t(length);
  const std::string device = info[0].As<Napi::String>();
  Status status = shared_device(device, "", false, &content->device);
  const size_t bytes = size_t(content->length) * size_of(content->dtype);
  if (status.ok()) status = Memory::allocate(content->device, bytes, &content->memory);
  if (status.code == Code::out_of_memory && releases().wait()) {
    status = Memory::allocate(content->device, bytes, &content->memory);
  }
  if (!status.ok()) throw to_error(env, status);
  content_ = std::move(content);
  external_.set(env, int64_t(bytes));
  Value().TypeTag(&kTag);
  Value().Set("device", info[0]);
  Value().Set("dtype", info[1]);
  Value().Set("length", info[2]);
}

std::shared_ptr<const DeviceArrayWrap::Content> DeviceArrayWrap::content_of(const Napi::Value& value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>())->content_;
}

std::shared_ptr<const DeviceArrayWrap::Content> DeviceArrayWrap::content(Napi::Env env) const {
  if (content_) return content_;
  Napi::Error error = Napi::Error::New(env, "The memory of this array was given back.");
  error.Set("code", "ERR_DISPOSED");
  throw error;
}

void* DeviceArrayWrap::host_memory(const Content& content, const Napi::Value& value) {
  const auto length = [&](auto span) {
    if (span.size != size_t(content.length)) mismatch(value.Env(), "data", "an array of the same length");
    return static_cast<void*>(span.data);
  };
  switch (content.dtype) {
    case DType::f32: return length(to_span<float>(value, "data"));
    case DType::i32: return length(to_span<int32_t>(value, "data"));
    default: return length(to_span<uint16_t>(value, "data"));
  }
}

// (data: typed array): all elements, at once.
Napi::Value DeviceArrayWrap::write(const Napi::CallbackInfo& info) {
  const auto c = content(info.Env());
  const void* from = host_memory(*c, info[0]);
  Status status = c->device->write(c->memory.as<void>(), from, c->memory.bytes());
  if (!status.ok()) throw to_error(info.Env(), status);
  return info.Env().Undefined();
}

// (into: typed array) => Promise<void>
Napi::Value DeviceArrayWrap::read(const Napi::CallbackInfo& info) {
  const auto c = content(info.Env());
  void* to = host_memory(*c, info[0]);
  KeepAlive keep;
  keep.add(info[0]);
  return Task::start(
      info.Env(), background_lane(), std::move(keep),
      [c, to] { return c->device->read(to, c->memory.as<void>(), c->memory.bytes()); },
      [](Napi::Env env) { return env.Undefined(); });
}

// Gives the memory back as soon as no running call needs it.
Napi::Value DeviceArrayWrap::dispose(const Napi::CallbackInfo& info) {
  external_.set(info.Env(), 0);
  if (!content_) return info.Env().Undefined();
  // Beside the event loop, as a GPU finishes what is queued before it frees memory.
  try {
    return Task::start(
        info.Env(), background_lane(), KeepAlive(),
        [release = std::make_shared<Release>(std::exchange(content_, nullptr))] {
          release->content.reset();
          return Status();
        },
        [](Napi::Env env) { return env.Undefined(); });
  } catch (...) {  // the memory is back already, so there is nothing to tell
    return info.Env().Undefined();
  }
}

Napi::Function DeviceArrayWrap::define(Napi::Env env) {
  return DefineClass(env, "DeviceArray",
                     {InstanceMethod<&DeviceArrayWrap::write>("write"), InstanceMethod<&DeviceArrayWrap::read>("read"),
                      InstanceMethod<&DeviceArrayWrap::dispose>("dispose")});
}

void export_device_array(Napi::Env env, Napi::Object exports) {
  exports.Set("DeviceArray", DeviceArrayWrap::define(env));
}

}  // namespace skipscan::binding
