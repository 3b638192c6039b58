// Measures every GPU operator against its floor: what its bytes, exponentials and products take at the ceilings that are
// measured in the same run. Each is first compared with the reference on a small problem of the same kind.
//
//   bench_kernels [--device N] [--only TEXT] [--rounds N] [--json FILE]
//   bench_kernels --list      what would be measured; needs no GPU
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ceilings.h"
#include "cpu/tables.h"
#include "cuda/device.h"
#include "problems.h"

namespace skipscan::bench {
namespace {

struct Options {
  int device = 0, rounds = 30;
  std::string only, json;
  bool list = false;
};

struct Result {
  Case measured;
  std::string route = {}, skipped = {};  // why there are no numbers, or empty
  Timing time = {};
  double floor = 0, error = 0;
  const char* bound = "";
};

// The largest relative error, by norms, that an output may have: its own rounding, and for products in bf16 or f16 that of
// what is multiplied.
double tolerance(DType dtype) { return dtype == DType::bf16 ? 1e-2 : dtype == DType::f16 ? 2e-3 : 1e-4; }

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const char* const value = i + 1 < count ? arguments[i + 1] : nullptr;
    if (name == "--list") {
      options.list = true;
      continue;
    }
    if (!value) throw std::runtime_error(name + ": expected a value after it");
    if (name == "--device") {
      options.device = std::atoi(value);
    } else if (name == "--rounds") {
      options.rounds = std::max(1, std::atoi(value));
    } else if (name == "--only") {
      options.only = value;
    } else if (name == "--json") {
      options.json = value;
    } else {
      throw std::runtime_error("expected --device, --only, --rounds, --json or --list but received " + name);
    }
    ++i;
  }
  return options;
}

void check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message);
}

// The relative distance, by norms. Rows that are not on a path are NaN in both; NaN in one of them is infinitely wrong.
double distance(const std::vector<float>& got, const std::vector<float>& want) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(want[i])) continue;
    if (!std::isfinite(got[i]) || !std::isfinite(want[i])) return INFINITY;
    difference += (double(got[i]) - want[i]) * (double(got[i]) - want[i]);
    norm += double(want[i]) * want[i];
  }
  return norm > 0 ? std::sqrt(difference / norm) : difference > 0 ? INFINITY : 0;
}

// The largest error of a small problem's outputs. Integers must be equal.
double error_of(const Case& c, const Backend& backend, cuda::Stream& stream, ThreadPool& pool) {
  Memory host(Memory::Place::host), device(Memory::Place::device);
  const Problem want = c.small(host), got = c.small(device);
  ExecContext on_host{pool}, on_device{pool, &stream};
  check(want.run(cpu::reference::backend, on_host));
  check(got.run(backend, on_device));
  check(stream.wait(nullptr));
  double worst = 0;
  for (size_t i = 0; i < got.outputs.size(); ++i) {
    const auto [tensor, count] = got.outputs[i];
    const double error = distance(device.read(tensor, count), host.read(want.outputs[i].tensor, count));
    const double allowed = tensor.dtype == DType::i32 ? 0 : tolerance(c.dtype);
    worst = std::max(worst, error);
    if (!(error <= allowed)) {
      char text[200];
      std::snprintf(text, sizeof text, "%s (%s, %s): output %zu is off by %.1e of the reference; %.0e is allowed",
                    c.op.c_str(), c.variant.c_str(), name_of(c.dtype), i, error, allowed);
      throw std::runtime_error(text);
    }
  }
  return worst;
}

void set_floor(Result& result, const Ceilings& ceilings) {
  const Work& work = result.measured.work;
  const struct {
    const char* name;
    double seconds;
  } bounds[] = {{"bytes", work.bytes / ceilings.bytes_per_second},
                {"exponentials", work.exponentials / ceilings.exponentials_per_second},
                {"products", work.flops / ceilings.flops_per_second}};
  for (const auto& [name, seconds] : bounds) {
    if (seconds > result.floor) {
      result.floor = seconds;
      result.bound = name;
    }
  }
}

Result measure(const Case& c, const Backend& backend, cuda::Stream& stream, ThreadPool& pool, Timer& timer,
               const Options& options, const Ceilings& ceilings) {
  Result result{c};
  set_floor(result, ceilings);
  result.error = error_of(c, backend, stream, pool);
  try {
    Memory memory(Memory::Place::device);
    const Problem problem = c.full(memory);
    ExecContext context{pool, &stream};
    result.time = timer.time([&] { return problem.run(backend, context); }, options.rounds);
    result.route = context.route;
  } catch (const OutOfDeviceMemory& error) {
    result.skipped = error.what();
  }
  return result;
}

void print(const Result& r) {
  const Case& c = r.measured;
  std::printf("%-16s %-17s %-28s %-5s ", c.op.c_str(), c.variant.c_str(), c.shape.c_str(), name_of(c.dtype));
  if (!r.skipped.empty()) {
    std::printf("%s\n", r.skipped.c_str());
  } else {
    std::printf("%9.1f us (%.1f..%.1f)  %5.1f %% of the floor by %s  %s\n", r.time.median * 1e6, r.time.least * 1e6,
                r.time.most * 1e6, 100 * r.floor / r.time.median, r.bound, r.route.c_str());
  }
  std::fflush(stdout);
}

void write_json(const std::string& path, const cudaDeviceProp& device, const Ceilings& ceilings,
                const std::vector<Result>& results) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (!file) throw std::runtime_error("cannot write " + path);
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  std::fprintf(file,
               "{\n \"device\": {\"name\": \"%s\", \"capability\": %d, \"multiprocessors\": %d, \"l2Bytes\": %d, "
               "\"driver\": %d, \"runtime\": %d},\n",
               device.name, device.major * 10 + device.minor, device.multiProcessorCount, device.l2CacheSize, driver,
               runtime);
  std::fprintf(file,
               " \"ceilings\": {\"bytesPerSecond\": %.4g, \"exponentialsPerSecond\": %.4g, \"flopsPerSecond\": %.4g},\n"
               " \"results\": [",
               ceilings.bytes_per_second, ceilings.exponentials_per_second, ceilings.flops_per_second);
  for (const Result& r : results) {
    const Case& c = r.measured;
    std::fprintf(file, "%s\n  {\"op\": \"%s\", \"variant\": \"%s\", \"shape\": \"%s\", \"dtype\": \"%s\", ",
                 &r == results.data() ? "" : ",", c.op.c_str(), c.variant.c_str(), c.shape.c_str(), name_of(c.dtype));
    if (!r.skipped.empty()) {
      std::fprintf(file, "\"skipped\": \"%s\"}", r.skipped.c_str());
      continue;
    }
    std::fprintf(file,
                 "\"route\": \"%s\", \"microseconds\": {\"median\": %.3f, \"min\": %.3f, \"max\": %.3f}, "
                 "\"bytes\": %.6g, \"exponentials\": %.6g, \"flops\": %.6g, \"floorMicroseconds\": %.3f, \"bound\": "
                 "\"%s\", \"error\": %.2e}",
                 r.route.c_str(), r.time.median * 1e6, r.time.least * 1e6, r.time.most * 1e6, c.work.bytes,
                 c.work.exponentials, c.work.flops, r.floor * 1e6, r.bound, r.error);
  }
  std::fprintf(file, "\n ]\n}\n");
  std::fclose(file);
}

void run(const Options& options) {
  std::vector<Case> cases;
  for (auto* some : {scan_cases, row_cases, reduction_cases}) {
    for (Case& c : some()) {
      const std::string name = c.op + " " + c.variant + " " + c.shape;
      if (name.find(options.only) != std::string::npos) cases.push_back(std::move(c));
    }
  }
  if (options.list) {
    for (const Case& c : cases) {
      std::printf("%-16s %-17s %-28s %-5s %8.2f MB %9.2f M exponentials %9.3f GFLOP\n", c.op.c_str(), c.variant.c_str(),
                  c.shape.c_str(), name_of(c.dtype), c.work.bytes / 1e6, c.work.exponentials / 1e6, c.work.flops / 1e9);
    }
    return;
  }
  std::shared_ptr<Device> device;
  check(cuda::open(options.device, &device));
  check(device->use());
  ThreadPool pool(1);
  cuda::Stream& stream = *device->context(pool).stream;
  Timer timer(stream);
  const Ceilings ceilings = measure_ceilings(stream, timer);
  cudaDeviceProp properties{};
  cudaGetDeviceProperties(&properties, options.device);
  std::printf("%s: %.2f TB/s, %.2f T exponentials/s, %.0f TFLOP/s in bf16\n", properties.name,
              ceilings.bytes_per_second / 1e12, ceilings.exponentials_per_second / 1e12,
              ceilings.flops_per_second / 1e12);
  std::vector<Result> results;
  for (const Case& c : cases) {
    results.push_back(measure(c, device->backend(), stream, pool, timer, options, ceilings));
    print(results.back());
  }
  if (!options.json.empty()) write_json(options.json, properties, ceilings, results);
}

}  // namespace
}  // namespace skipscan::bench

int main(int count, char** arguments) {
  try {
    skipscan::bench::run(skipscan::bench::parse(count, arguments));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_kernels: %s\n", error.what());
    return 1;
  }
}
