#include "calls/op_reader.h"

#include "ops/pack.h"

namespace skipscan {
namespace {

constexpr size_t kBlockBytes = size_t(64) << 10;

bool inside(const std::vector<int32_t>& values, int64_t limit, int64_t least = 0) {
  return std::all_of(values.begin(), values.end(), [=](int32_t v) { return v >= least && v < limit; });
}

// What a call cannot do without; thrown as what Status says.
void require(const Status& status) {
  if (status.code == Code::out_of_memory) throw std::bad_alloc();
  if (!status.ok()) throw std::runtime_error(status.message);
}

}  // namespace

int32_t OpReader::size(const std::string& name) const {
  const double value = number(name);
  if (!(value >= 1 && value <= 0x7fffffff) || value != double(int32_t(value))) {
    mismatch(name, "a whole number from 1 to 2147483647");
  }
  return int32_t(value);
}

double OpReader::count(const std::string& name, double most) const {
  const double value = number(name);
  if (!(value >= 0)) mismatch(name, "a whole number from 0");
  return std::min(value, most);
}

int64_t OpReader::stride(const std::string& name, int64_t width) const {
  const auto [known, is_new] = strides_.try_emplace(name, width);
  if (is_new && has(name + "Stride")) known->second = size(name + "Stride");
  if (known->second < width) mismatch(name + "Stride", "at least the width of a row");
  return known->second;
}

WeightMatrix OpReader::matrix(const std::string& name, int64_t rows, int64_t cols) const {
  const auto dtype = choice<DType>(
      (name + "Dtype").c_str(), {{"f32", DType::f32}, {"bf16", DType::bf16}, {"f16", DType::f16}, {"i8", DType::i8}});
  const bool packed = flag(name + "Packed") && device_->is_host();
  const DType given = dtype == DType::i8 && packed ? DType::f32 : dtype;  // 8-bit weights are made of float32 ones
  const ParamArray from = array(name, product(name, {rows, cols}));
  if (from.dtype == DType::i32 || size_of(from.dtype) != size_of(given) || (from.device && from.dtype != given)) {
    mismatch(name, std::string("elements of dtype ") + name_of(dtype));
  }
  WeightMatrix matrix = {.data = from.data, .dtype = dtype, .rows = rows, .cols = cols};
  if (packed) {
    matrix.panel = device_->backend().panel;
    memory_.packed = Buffer(matrix.bytes());
    pack_rows(from.data, given, 0, rows, matrix, memory_.packed.as<void>());
    matrix.data = memory_.packed.as<void>();
  }
  return matrix;
}

const int32_t* OpReader::integers(const std::string& name, int64_t count) const {
  const ParamArray from = source_.array(name);
  if (device_->is_host() || from.device) return static_cast<const int32_t*>(typed(name, count, DType::i32));
  const std::vector<int32_t>& values = copied(name);
  if (int64_t(values.size()) < count) mismatch(name, "an array that holds its whole shape");
  return placed(values);
}

const std::vector<int32_t>& OpReader::checked_indices(const std::string& name, int64_t count, int64_t limit,
                                                      int64_t least) const {
  std::vector<int32_t>& values = copied(name);
  if (int64_t(values.size()) < count) mismatch(name, "an array that holds its whole shape");
  values.resize(size_t(count));
  if (!inside(values, limit, least)) mismatch(name, "rows that its table has");
  return values;
}

const std::vector<int32_t>& OpReader::offsets(const std::string& name) const {
  const std::vector<int32_t>& values = copied(name);
  if (values.size() < 2 || values.front() != 0 || values.back() < 1 || !std::is_sorted(values.begin(), values.end())) {
    mismatch(name, "ascending offsets from 0 to the number of rows");
  }
  return values;
}

PathView OpReader::path(int64_t rows) const {
  ScanPath& path = memory_.path;
  path = {copied("path.index"), copied("path.paramIndex"), copied("path.gap"), copied("path.offsets")};
  const std::vector<int32_t>& offsets = path.offsets;
  const size_t steps = path.index.size();
  if (offsets.size() < 2 || offsets.front() != 0 || size_t(offsets.back()) != steps ||
      !std::is_sorted(offsets.begin(), offsets.end())) {
    mismatch("path.offsets", "ascending offsets from 0 to the number of steps");
  }
  if (steps == 0 || !inside(path.index, rows)) mismatch("path.index", "rows of the tensors");
  if (path.param_index.size() != steps || !inside(path.param_index, rows)) {
    mismatch("path.paramIndex", "one row of the tensors for each step");
  }
  if (path.gap.size() != steps || *std::min_element(path.gap.begin(), path.gap.end()) < 1) {
    mismatch("path.gap", "at least 1 for each step");
  }
  PathView view = path.view();
  view.index = placed(path.index);
  view.param_index = placed(path.param_index);
  view.gap = placed(path.gap);
  view.offsets = placed(path.offsets);
  return view;
}

ParamArray OpReader::array(const std::string& name, int64_t count) const {
  const ParamArray from = source_.array(name);
  if (from.device != (device_->is_host() ? nullptr : device_.get())) {
    mismatch(name, device_->is_host() ? "an array in the host's memory" : "an array on the device of the call");
  }
  if (from.count < count) mismatch(name, "an array that holds its whole shape");
  return from;
}

Elements OpReader::elements(const std::string& name, int64_t count) const {
  const ParamArray from = array(name, count);
  if (from.dtype == DType::i32 || (!from.device && from.dtype != DType::f32)) mismatch(name, "float elements");
  return {from.data, from.dtype};
}

void* OpReader::typed(const std::string& name, int64_t count, DType dtype) const {
  const ParamArray from = array(name, count);
  if (from.dtype != dtype) mismatch(name, std::string("elements of dtype ") + name_of(dtype));
  return from.data;
}

std::vector<int32_t>& OpReader::copied(const std::string& name) const {
  const ParamArray from = source_.array(name);
  if (from.dtype != DType::i32) mismatch(name, "elements of dtype i32");
  std::vector<int32_t>& copy = memory_.copies.emplace_back(size_t(from.count));
  if (!from.device) {
    const auto* values = static_cast<const int32_t*>(from.data);
    copy.assign(values, values + from.count);
  } else if (from.device == device_.get()) {
    require(device_->read(copy.data(), from.data, copy.size() * sizeof(int32_t)));
  } else {
    mismatch(name, "an array on the device of the call");
  }
  return copy;
}

const void* OpReader::place(const void* host, size_t bytes) const {
  if (device_->is_host()) return host;
  OpMemory& m = memory_;
  if (m.blocks.empty() || m.used + bytes > m.blocks.back().bytes()) {
    Memory block;
    require(Memory::allocate(device_, std::max(bytes, kBlockBytes), &block));
    m.blocks.push_back(std::move(block));
    m.used = 0;
  }
  std::byte* const to = m.blocks.back().as<std::byte>() + m.used;
  m.used += align_up(bytes);
  require(device_->write(to, host, bytes));
  return to;
}

int64_t OpReader::product(const std::string& name, std::initializer_list<int64_t> sizes) {
  int64_t count = 1;
  for (int64_t n : sizes) {
    if (__builtin_mul_overflow(count, n, &count)) mismatch(name, "a shape that memory can hold");
  }
  return count;
}

}  // namespace skipscan
