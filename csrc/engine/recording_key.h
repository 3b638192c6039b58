// Putting together what a recording depends on (Device::queue).
#pragma once
#include <string>
#include <vector>

namespace skipscan {

template <class T>
void append(std::string& key, const T* values, size_t count) {
  key.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}
template <class T>
void append(std::string& key, const std::vector<T>& values) {
  const size_t count = values.size();
  append(key, &count, 1);
  append(key, values.data(), count);
}

}  // namespace skipscan
