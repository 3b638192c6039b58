// Runs recorded cases of operators on the CUDA backend, without JavaScript: on the emulated GPU under sanitizers, on a real one
// under compute-sanitizer.
//
//   replay FOLDER [FILTER]     the cases of all files in the folder, or of those whose names contain FILTER
//
// A line for each case: its file, the kernels that ran, the largest error relative to what is allowed, and a hash of all that
// it wrote, by which runs in different orders of threads can be compared. Every case runs twice in one process, and must write
// the same bits; once is enough for sanitizers. Ends with status 1 when a case fails.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>

#include "calls/op_call.h"
#include "case_file.h"
#include "cuda/device.h"

namespace replay {
namespace {

using namespace skipscan;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

DType to_dtype(const std::string& name) {
  for (DType t : {DType::f32, DType::bf16, DType::f16, DType::i32}) {
    if (name == name_of(t)) return t;
  }
  throw std::runtime_error("no dtype of operators: " + name);
}

[[noreturn]] void give_up(const Status& status) { throw std::runtime_error(status.message); }
void require(Status status) {
  if (!status.ok()) give_up(status);
}

// A case's params with all of its arrays on the device, but whole numbers that are only read.
class DeviceParams final : public ParamSource {
 public:
  DeviceParams(const Case& c, const std::shared_ptr<Device>& device) : case_(c), device_(device) {
    for (const auto& [name, array] : c.arrays) {
      if (array.dtype == "i32" && !is_output(name)) continue;
      Memory memory;
      require(Memory::allocate(device, std::max<size_t>(1, bytes_of(array)), &memory));
      require(device->write(memory.as<void>(), c.at(array.offset), bytes_of(array)));
      memory_.emplace(name, std::move(memory));
    }
  }

  bool has(const std::string& name) const override {
    return case_.numbers.count(name) || case_.flags.count(name) || case_.texts.count(name) ||
           case_.arrays.count(name) || case_.same.count(name);
  }
  double number(const std::string& name) const override { return find(case_.numbers, name); }
  bool flag(const std::string& name) const override {
    const auto at = case_.flags.find(name);
    return at != case_.flags.end() && at->second;
  }
  std::string text(const std::string& name) const override { return find(case_.texts, name); }
  ParamArray array(const std::string& name) const override {
    const auto alias = case_.same.find(name);
    const std::string& owner = alias == case_.same.end() ? name : alias->second;
    const Array& array = find(case_.arrays, owner);
    const DType dtype = to_dtype(array.dtype);
    const auto at = memory_.find(owner);
    if (at == memory_.end()) return {const_cast<void*>(case_.at(array.offset)), array.count, dtype, nullptr};
    return {at->second.as<void>(), array.count, dtype, device_.get()};
  }

  // What an output holds now.
  std::vector<std::byte> content(const std::string& name) const {
    const Array& array = find(case_.arrays, name);
    std::vector<std::byte> bytes(bytes_of(array));
    require(device_->read(bytes.data(), memory_.at(name).as<void>(), bytes.size()));
    return bytes;
  }

 private:
  template <class Value>
  static const Value& find(const std::map<std::string, Value>& values, const std::string& name) {
    const auto at = values.find(name);
    if (at == values.end()) throw ParamError(name, "a value");
    return at->second;
  }
  static size_t bytes_of(const Array& array) { return size_t(array.count) * size_of(to_dtype(array.dtype)); }
  bool is_output(const std::string& name) const {
    return std::any_of(case_.expectations.begin(), case_.expectations.end(),
                       [&](const Expectation& e) { return e.name == name; });
  }

  const Case& case_;
  std::shared_ptr<Device> device_;
  std::map<std::string, Memory> memory_;
};

double value_at(const std::byte* bytes, const std::string& dtype, int64_t i) {
  const auto load = [&](auto value) {
    std::memcpy(&value, bytes + i * int64_t(sizeof value), sizeof value);
    return value;
  };
  if (dtype == "bf16") return to_float(load(bf16()));
  if (dtype == "f16") return to_float(load(f16()));
  if (dtype == "i32") return load(int32_t());
  return load(float());
}

// Beyond what the dtype can hold, infinity is as good as the number.
bool overflows(double got, double want, const std::string& dtype) {
  const double limit = dtype == "f16" ? 65472 : dtype == "bf16" ? 3.37e38 : std::numeric_limits<double>::infinity();
  return std::isinf(got) && std::fabs(want) > limit && std::signbit(got) == std::signbit(want);
}

// The largest error of an output, where 1 is what is allowed.
double error_of(const Case& c, const Expectation& e, const std::vector<std::byte>& after) {
  const Array& array = c.arrays.at(e.name);
  const auto* before = static_cast<const std::byte*>(c.at(array.offset));
  const auto* wanted = static_cast<const std::byte*>(c.at(e.values));
  const auto* fates = static_cast<const uint8_t*>(c.at(e.fates));
  double scale = 1, worst = 0;
  for (int64_t i = 0; i < e.count; ++i) {
    if (fates[i] == written) scale = std::max(scale, std::fabs(value_at(wanted, e.dtype, i)));
  }
  const size_t size = size_of(to_dtype(array.dtype));
  for (int64_t i = 0; i < e.count; ++i) {
    const size_t at = size_t(i) * size;
    const bool unchanged = std::memcmp(after.data() + at, before + at, size) == 0;
    if (fates[i] == free_to_change || (fates[i] == maybe && unchanged)) continue;
    if (fates[i] == kept) {
      if (!unchanged) return std::numeric_limits<double>::infinity();
      continue;
    }
    const double got = value_at(after.data(), array.dtype, i), want = value_at(wanted, e.dtype, i);
    const double error = std::fabs(got - want);
    if (error == 0 || overflows(got, want, array.dtype)) continue;
    const double share = e.tolerance > 0 ? error / scale / e.tolerance : std::numeric_limits<double>::infinity();
    if (!(share <= worst)) worst = std::isnan(share) ? std::numeric_limits<double>::infinity() : share;
  }
  return worst;
}

uint64_t add_to_hash(uint64_t hash, const std::vector<std::byte>& bytes) {
  for (std::byte b : bytes) hash = (hash ^ uint64_t(b)) * 0x100000001b3ull;
  return hash;
}

struct Result {
  std::string route;
  double error = 0;
  uint64_t hash = 0xcbf29ce484222325ull;
};

Result run(const Case& c, const std::shared_ptr<Device>& device, ThreadPool& pool) {
  const DeviceParams params(c, device);
  Result result;
  require(OpCall(c.op, params, device).run(pool, &result.route));
  for (const Expectation& e : c.expectations) {
    const std::vector<std::byte> after = params.content(e.name);
    result.error = std::max(result.error, error_of(c, e, after));
    result.hash = add_to_hash(result.hash, after);
  }
  return result;
}

// Whether the case went well.
bool replay(const std::string& path, const std::shared_ptr<Device>& device, ThreadPool& pool) {
  const std::string name = std::filesystem::path(path).filename().string();
  try {
    const Case c = read_case(path);
    const Result first = run(c, device, pool), second = kSanitized ? first : run(c, device, pool);
    const bool same = first.hash == second.hash, right = first.error <= 1;
    std::printf("%s %s %s error %.3f hash %016llx%s\n", right && same ? "ok  " : "FAIL", name.c_str(),
                first.route.c_str(), first.error, static_cast<unsigned long long>(first.hash),
                same ? "" : " (another hash the second time)");
    return right && same;
  } catch (const std::exception& error) {
    std::printf("FAIL %s: %s\n", name.c_str(), error.what());
    return false;
  }
}

int replay_all(const std::string& folder, const std::string& filter) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().find(filter) != std::string::npos) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::shared_ptr<Device> device;
  require(cuda::open(0, &device));
  ThreadPool pool(1);
  int failures = 0;
  for (const std::string& file : files) {
    failures += !replay(file, device, pool);
    std::fflush(stdout);
  }
  std::printf("%zu cases, %d failed\n", files.size(), failures);
  return files.empty() || failures > 0;
}

}  // namespace
}  // namespace replay

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: replay FOLDER [FILTER]\n");
    return 2;
  }
  try {
    return replay::replay_all(argv[1], argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
