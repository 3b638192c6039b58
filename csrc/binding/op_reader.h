// Reads the params of one operator call: numbers, and typed arrays whose memory is used where it is. lib/ops has checked
// what the user passed; the checks here hold whatever lib/ops does, so that no call can reach memory outside an array.
#pragma once
#include <algorithm>
#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "binding/convert.h"
#include "binding/task.h"
#include "core/buffer.h"
#include "core/scan_path.h"
#include "ops/pack.h"

namespace skipscan::binding {

// What a call keeps alive besides the params themselves.
struct OpMemory {
  KeepAlive keep;
  // Copies, because their values are addresses: JavaScript may write to its own arrays while the operator runs.
  ScanPath path;
  std::deque<std::vector<int32_t>> copies;
  Buffer packed;
};

class OpReader {
 public:
  // `panel` is the backend's.
  OpReader(Napi::Object params, OpMemory& memory, int32_t panel)
      : env_(params.Env()), fields_(params), memory_(memory), panel_(panel) {}

  Napi::Env env() const { return env_; }
  bool has(const std::string& name) const { return fields_.has(name.c_str()); }
  bool flag(const std::string& name) const { return fields_.flag(name.c_str()); }
  double number(const char* name) const { return fields_.number(name); }
  float real(const char* name) const { return float(number(name)); }

  // A size: at least 1, and small enough for int32.
  int32_t size(const std::string& name) const {
    const double value = fields_.number(name.c_str());
    if (!(value >= 1 && value <= 0x7fffffff) || value != double(int32_t(value))) {
      mismatch(env_, name, "a whole number from 1 to 2147483647");
    }
    return int32_t(value);
  }

  // One of the values of an enum, by name.
  template <class Enum>
  Enum choice(const char* name, std::initializer_list<std::pair<const char*, Enum>> choices) const {
    const std::string text = fields_.text(name);
    for (const auto& [known, value] : choices) {
      if (text == known) return value;
    }
    mismatch(env_, name, "one of its values");
  }

  void check_divides(const char* name, int64_t divisor, int64_t size) const {
    if (size % divisor != 0) mismatch(env_, name, "a divisor of the size it splits");
  }

  // The elements of a contiguous tensor of these sizes.
  template <class T = float>
  T* tensor(const char* name, std::initializer_list<int64_t> shape) const {
    return elements<T>(name, product(name, shape));
  }
  template <class T = float>
  T* optional(const char* name, std::initializer_list<int64_t> shape) const {
    return has(name) ? tensor<T>(name, shape) : nullptr;
  }

  // The distance between two rows: <name>Stride, or `width` where the rows are contiguous.
  int64_t stride(const std::string& name, int64_t width) const {
    const int64_t stride = has(name + "Stride") ? size(name + "Stride") : width;
    if (stride < width) mismatch(env_, name + "Stride", "at least the width of a row");
    return stride;
  }
  // Rows of `width` elements, stride(name, width) apart; the last one may end where the array does.
  float* rows(const char* name, int64_t count, int64_t width) const {
    return elements<float>(name, product(name, {count - 1, stride(name, width)}) + width);
  }
  float* optional_rows(const char* name, int64_t count, int64_t width) const {
    return has(name) ? rows(name, count, width) : nullptr;
  }

  // A row-major matrix in the dtype that <name>Dtype says; with <name>Packed, a copy in the backend's panels.
  WeightMatrix matrix(const std::string& name, int64_t rows, int64_t cols) const {
    const DType dtype = fields_.dtype((name + "Dtype").c_str());
    const int64_t count = product(name, {rows, cols});
    const void* data = nullptr;
    switch (dtype) {
      case DType::f32: data = elements<float>(name.c_str(), count); break;
      case DType::bf16:
      case DType::f16: data = elements<uint16_t>(name.c_str(), count); break;
      case DType::i32: mismatch(env_, name + "Dtype", "one of f32, bf16, f16");
    }
    WeightMatrix matrix = {.data = data, .dtype = dtype, .rows = rows, .cols = cols};
    if (flag(name + "Packed")) {
      matrix.panel = panel_;
      memory_.packed = Buffer(matrix.bytes());
      pack_rows(data, dtype, 0, rows, matrix, memory_.packed.as<void>());
      matrix.data = memory_.packed.as<void>();
    }
    return matrix;
  }

  // Whole numbers from `least` up to `limit` - 1, such as rows of a table.
  const int32_t* indices(const char* name, int64_t count, int64_t limit, int64_t least = 0) const {
    const std::vector<int32_t>& copy = copied(elements<int32_t>(name, count), count);
    if (!inside(copy, limit, least)) mismatch(env_, name, "rows that its table has");
    return copy.data();
  }

  // How packed rows are cut into sequences: ascending, from 0 to the number of rows.
  Span<const int32_t> offsets(const char* name) const {
    const Span<int32_t> from = fields_.span<int32_t>(name);
    const std::vector<int32_t>& copy = copied(from.data, int64_t(from.size));
    if (copy.size() < 2 || copy.front() != 0 || copy.back() < 1 || !std::is_sorted(copy.begin(), copy.end())) {
      mismatch(env_, name, "ascending offsets from 0 to the number of rows");
    }
    return {copy.data(), copy.size()};
  }

  // The path { index, paramIndex, gap, offsets } over tensors of this many rows.
  PathView path(int64_t rows) const {
    if (!fields_.value("path").IsObject()) mismatch(env_, "path", "an object");
    const Fields from(fields_.value("path").As<Napi::Object>());
    ScanPath& path = memory_.path;
    copy(from, "index", path.index);
    copy(from, "paramIndex", path.param_index);
    copy(from, "gap", path.gap);
    copy(from, "offsets", path.offsets);
    const std::vector<int32_t>& offsets = path.offsets;
    const size_t steps = path.index.size();
    if (offsets.size() < 2 || offsets.front() != 0 || size_t(offsets.back()) != steps ||
        !std::is_sorted(offsets.begin(), offsets.end())) {
      mismatch(env_, "path.offsets", "ascending offsets from 0 to the number of steps");
    }
    if (steps == 0 || !inside(path.index, rows)) mismatch(env_, "path.index", "rows of the tensors");
    if (path.param_index.size() != steps || !inside(path.param_index, rows)) {
      mismatch(env_, "path.paramIndex", "one row of the tensors for each step");
    }
    if (path.gap.size() != steps || *std::min_element(path.gap.begin(), path.gap.end()) < 1) {
      mismatch(env_, "path.gap", "at least 1 for each step");
    }
    return path.view();
  }

 private:
  template <class T>
  T* elements(const char* name, int64_t count) const {
    const Span<T> span = fields_.span<T>(name);
    if (span.size < size_t(count)) mismatch(env_, name, "an array that holds its whole shape");
    memory_.keep.add(fields_.value(name));
    return span.data;
  }

  int64_t product(const std::string& name, std::initializer_list<int64_t> sizes) const {
    int64_t count = 1;
    for (int64_t n : sizes) {
      if (__builtin_mul_overflow(count, n, &count)) mismatch(env_, name, "a shape that memory can hold");
    }
    return count;
  }

  static bool inside(const std::vector<int32_t>& values, int64_t limit, int64_t least = 0) {
    return std::all_of(values.begin(), values.end(), [=](int32_t v) { return v >= least && v < limit; });
  }

  const std::vector<int32_t>& copied(const int32_t* from, int64_t count) const {
    return memory_.copies.emplace_back(from, from + count);
  }

  static void copy(const Fields& from, const char* name, std::vector<int32_t>& to) {
    const Span<int32_t> span = from.span<int32_t>(name);
    to.assign(span.data, span.data + span.size);
  }

  Napi::Env env_;
  Fields fields_;
  OpMemory& memory_;
  int32_t panel_;
};

}  // namespace skipscan::binding
