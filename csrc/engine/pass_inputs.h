// What a pass knows before it starts: arrays side by side in the workspace, so that one copy brings them to the device.
#pragma once
#include <algorithm>
#include <vector>

#include "ops/device.h"

namespace skipscan {

class InputBlock {
 public:
  InputBlock(std::byte* begin, std::byte* end) : begin_(begin), host_(size_t(end - begin)) {}

  // The values of the array that is at this place of the device.
  template <class T, class Values>
  void fill(T* at, const Values& values) {
    std::byte* const to = host_.data() + (reinterpret_cast<std::byte*>(at) - begin_);
    std::copy(values.begin(), values.end(), reinterpret_cast<T*>(to));
  }
  Status send(Device& device) const { return device.upload(begin_, host_.data(), host_.size()); }

 private:
  std::byte* const begin_;
  std::vector<std::byte> host_;
};

// 0, 1, 2, ...
inline std::vector<int32_t> counting(int64_t count) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = int32_t(i);
  return numbers;
}

// ERR_ABORTED once the caller has set the cell. Null: never.
inline Status check_cancelled(const int32_t* cancelled) {
  if (!cancelled || !__atomic_load_n(cancelled, __ATOMIC_RELAXED)) return {};
  return fail(Code::aborted, "The call was aborted.");
}

}  // namespace skipscan
