// Reads the params of one operator call, and brings to its device what must be there. Every check here holds whatever the
// source does, so that no call can reach memory outside an array.
#pragma once
#include <algorithm>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "calls/param_source.h"
#include "core/buffer.h"
#include "core/elements.h"
#include "core/scan_path.h"

namespace skipscan {

// What a call keeps alive besides the arrays of its source.
struct OpMemory {
  ScanPath path;
  // Copies, because their values are addresses: others may write to their own arrays while the operator runs.
  std::deque<std::vector<int32_t>> copies;
  std::deque<std::vector<double>> numbers;
  Buffer packed;
  // The same on a device whose memory is not the host's: pieces of a few larger blocks.
  std::vector<Memory> blocks;
  size_t used = 0;  // bytes of the last block
};

class OpReader {
 public:
  OpReader(const ParamSource& source, std::shared_ptr<Device> device, OpMemory& memory)
      : source_(source), device_(std::move(device)), memory_(memory) {}

  [[noreturn]] static void mismatch(const std::string& name, const std::string& expected) {
    throw ParamError(name, expected);
  }

  bool has(const std::string& name) const { return source_.has(name); }
  bool flag(const std::string& name) const { return source_.flag(name); }
  double number(const std::string& name) const { return source_.number(name); }
  float real(const std::string& name) const { return float(number(name)); }

  // A size: at least 1, and small enough for int32.
  int32_t size(const std::string& name) const;

  // A whole number from 0 to `most`; more counts as `most`.
  double count(const std::string& name, double most) const;

  // One of the values of an enum, by name.
  template <class Enum>
  Enum choice(const char* name, std::initializer_list<std::pair<const char*, Enum>> choices) const {
    const std::string text = source_.text(name);
    for (const auto& [known, value] : choices) {
      if (text == known) return value;
    }
    mismatch(name, "one of its values");
  }

  void check_divides(const char* name, int64_t divisor, int64_t size) const {
    if (size % divisor != 0) mismatch(name, "a divisor of the size it splits");
  }

  // The values of a contiguous tensor of these sizes: float32 or int32.
  template <class T = float>
  T* tensor(const std::string& name, std::initializer_list<int64_t> shape) const {
    return static_cast<T*>(typed(name, product(name, shape), dtype_of<T>()));
  }
  template <class T = float>
  T* optional(const std::string& name, std::initializer_list<int64_t> shape) const {
    return has(name) ? tensor<T>(name, shape) : nullptr;
  }

  // Activations, of any float dtype where the device has them.
  Elements activations(const std::string& name, std::initializer_list<int64_t> shape) const {
    return elements(name, product(name, shape));
  }
  Elements optional_activations(const std::string& name, std::initializer_list<int64_t> shape) const {
    return has(name) ? activations(name, shape) : Elements();
  }

  // The distance between two rows: <name>Stride, or `width` where the rows are contiguous.
  int64_t stride(const std::string& name, int64_t width) const;
  // Rows of `width` activations, stride(name, width) apart; the last one may end where the array does.
  Elements rows(const std::string& name, int64_t count, int64_t width) const {
    return elements(name, extent(name, count, width));
  }
  Elements optional_rows(const std::string& name, int64_t count, int64_t width) const {
    return has(name) ? rows(name, count, width) : Elements();
  }
  // The same, as far apart as those of another array.
  Elements optional_rows(const std::string& name, int64_t count, int64_t width, const std::string& as) const {
    return has(name) ? elements(name, extent(as, count, width)) : Elements();
  }
  // Rows as the first ones, in float32.
  float* float_rows(const std::string& name, int64_t count, int64_t width) const {
    return static_cast<float*>(typed(name, extent(name, count, width), DType::f32));
  }

  // A row-major matrix in the dtype that <name>Dtype says; with <name>Packed, a copy in the backend's panels.
  WeightMatrix matrix(const std::string& name, int64_t rows, int64_t cols) const;

  // Whole numbers that may be anything.
  const int32_t* integers(const std::string& name, int64_t count) const;
  const int32_t* optional_integers(const std::string& name, int64_t count) const {
    return has(name) ? integers(name, count) : nullptr;
  }
  // Whole numbers from `least` up to `limit` - 1, such as rows of a table.
  const int32_t* indices(const std::string& name, int64_t count, int64_t limit, int64_t least = 0) const {
    return placed(checked_indices(name, count, limit, least));
  }
  // The same, in the host's memory.
  const std::vector<int32_t>& checked_indices(const std::string& name, int64_t count, int64_t limit,
                                              int64_t least = 0) const;

  // How packed rows are cut into sequences: ascending, from 0 to the number of rows. In the host's memory.
  const std::vector<int32_t>& offsets(const std::string& name) const;
  template <class T>
  const T* placed(const std::vector<T>& values) const {
    return static_cast<const T*>(place(values.data(), values.size() * sizeof(T)));
  }

  // One number that holds for every sequence, as many times.
  const double* repeated(double value, int64_t sequences) const {
    return placed(memory_.numbers.emplace_back(size_t(sequences), value));
  }

  // The path { index, paramIndex, gap, offsets } over tensors of this many rows.
  PathView path(int64_t rows) const;

 private:
  template <class T>
  static constexpr DType dtype_of() {
    return std::is_same_v<T, int32_t> ? DType::i32 : DType::f32;
  }

  // An array of at least `count` elements in the device's memory.
  ParamArray array(const std::string& name, int64_t count) const;
  Elements elements(const std::string& name, int64_t count) const;
  void* typed(const std::string& name, int64_t count, DType dtype) const;
  // All whole numbers of an array, wherever it is.
  std::vector<int32_t>& copied(const std::string& name) const;
  const void* place(const void* host, size_t bytes) const;

  static int64_t product(const std::string& name, std::initializer_list<int64_t> sizes);
  int64_t extent(const std::string& name, int64_t count, int64_t width) const {
    return product(name, {count - 1, stride(name, width)}) + width;
  }

  const ParamSource& source_;
  // As they were when an array was measured by them: a source may say something else when it is asked again.
  mutable std::map<std::string, int64_t> strides_;
  const std::shared_ptr<Device> device_;
  OpMemory& memory_;
};

}  // namespace skipscan
