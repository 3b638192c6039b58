// Memory for vectors, numbers to fill it with, and the clock.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace skipscan::bench {

// Aligned as far as any library likes it.
class Floats {
 public:
  Floats() = default;
  explicit Floats(int64_t count) : count_(count) {
    constexpr size_t kPage = 4096;
    const size_t bytes = (size_t(count) * sizeof(float) + kPage - 1) / kPage * kPage;
    data_ = static_cast<float*>(std::aligned_alloc(kPage, bytes));
    if (!data_) throw std::bad_alloc();
  }
  ~Floats() { std::free(data_); }
  Floats(Floats&& other) noexcept : data_(std::exchange(other.data_, nullptr)), count_(other.count_) {}
  Floats& operator=(Floats&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }

  // Numbers of [low, high), the same for the same seed.
  static Floats random(int64_t count, uint32_t seed, float low = -1, float high = 1) {
    Floats values(count);
    uint32_t state = seed * 2654435761u + 12345;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 1664525 + 1013904223;
      values.data_[i] = low + (high - low) * (float(state >> 8) * 0x1p-24f);
    }
    return values;
  }

  float* data() const { return data_; }
  int64_t size() const { return count_; }
  float& operator[](int64_t i) const { return data_[i]; }

 private:
  float* data_ = nullptr;
  int64_t count_ = 0;
};

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds of one call of `work`: the median of as many as `seconds` allow, of five at least.
template <class Work>
double median_seconds(double seconds, const Work& work) {
  constexpr size_t kLeast = 5;
  std::vector<double> each;
  const double end = now() + seconds;
  for (double start = now(); start < end || each.size() < kLeast;) {
    work();
    const double done = now();
    each.push_back(done - start);
    start = done;
  }
  const auto middle = each.begin() + int64_t(each.size() / 2);
  std::nth_element(each.begin(), middle, each.end());
  return *middle;
}

}  // namespace skipscan::bench
