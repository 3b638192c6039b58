#include "scans.h"

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "cpu/cpu.h"
#include "numbers.h"

namespace skipscan::bench {
namespace {

constexpr float kUnclamped = 1e30f;
// By norms. The reference is in double precision; the kernels round each step.
constexpr double kTolerance = 1e-4;

struct Setting {
  std::string op, variant;
  int32_t steps = 0;
  int threads = 1;

  bool selective() const { return op == "selective"; }
  bool is(const char* name) const { return variant == name; }
  std::string name() const { return op + " " + variant + " " + std::to_string(steps) + " " + std::to_string(threads); }
};

struct Size {
  int32_t heads, head_dim, d_state;  // a channel of Mamba-1 is a head of one

  int64_t channels() const { return int64_t(heads) * head_dim; }
};

Size full_size(const Setting& s) { return s.selective() ? Size{1536, 1, 16} : Size{24, 64, 128}; }
Size small_size(const Setting& s) { return s.selective() ? Size{64, 1, 16} : Size{2, 64, 128}; }

// One sequence. Of ten positions seven are on the path unless all are; the tensors hold the others only when gathered.
ScanPath path_of(const Setting& s) {
  ScanPath path = ScanPath::full({s.steps});
  if (!s.is("aligned") && !s.is("gathered")) return path;
  int32_t previous = -1;
  for (int32_t step = 0; step < s.steps; ++step) {
    const int32_t position = int32_t(int64_t(step) * 10 / 7);
    path.gap[size_t(step)] = position - previous;
    if (s.is("gathered")) path.index[size_t(step)] = position;
    previous = position;
  }
  return path;
}

// A scan with its tensors.
class Scan {
 public:
  Scan(const Setting& s, Size size) : size_(size), path_(path_of(s)), selective_(s.selective()) {
    rows_ = path_.index.back() + 1;
    const int64_t E = size.channels(), N = size.d_state, H = size.heads;
    const float* const x = values(rows_ * E, -1, 1);
    const float* const dt = values(rows_ * H, -4, 1);
    const float* const A = values(selective_ ? E * N : H, -8, -0.5f);
    const float* const B = values(rows_ * N, -1, 1);
    const float* const C = values(rows_ * N, -1, 1);
    const float* const bias = values(H, -1, 1);
    const float* const D = s.is("bare") ? nullptr : values(H, -1, 1);
    const float* const z = s.is("bare") || !selective_ ? nullptr : values(rows_ * E, -2, 2);
    y_ = output(rows_ * E);
    state_ = output(E * N);
    scores_ = s.is("importance") ? output(rows_) : nullptr;
    const Alignment alignment = s.is("aligned") ? Alignment::next : Alignment::none;
    // Without softplus the time steps are those that it would have made.
    const float* const step = s.is("bare") ? values(rows_ * H, 0.001f, 0.1f) : dt;
    selective_scan_ = {.u = x,
                       .delta = step,
                       .A = A,
                       .B = B,
                       .C = C,
                       .D = D,
                       .z = z,
                       .dt_bias = s.is("bare") ? nullptr : bias,
                       .skipped_dt = nullptr,
                       .state_in = nullptr,
                       .state_out = state_,
                       .y = y_,
                       .path = path_.view(),
                       .u_stride = E,
                       .delta_stride = H,
                       .B_stride = N,
                       .C_stride = N,
                       .z_stride = E,
                       .y_stride = E,
                       .channels = int32_t(E),
                       .d_state = size.d_state,
                       .groups = 1,
                       .alignment = alignment,
                       .softplus = !s.is("bare"),
                       .importance = scores_};
    ssd_scan_ = {.x = x,
                 .dt = step,
                 .A = A,
                 .B = B,
                 .C = C,
                 .D = D,
                 .z = nullptr,
                 .dt_bias = s.is("bare") ? nullptr : bias,
                 .skipped_dt = nullptr,
                 .state_in = nullptr,
                 .state_out = state_,
                 .y = y_,
                 .path = path_.view(),
                 .x_stride = E,
                 .dt_stride = H,
                 .B_stride = N,
                 .C_stride = N,
                 .z_stride = E,
                 .y_stride = E,
                 .heads = size.heads,
                 .head_dim = size.head_dim,
                 .groups = 1,
                 .d_state = size.d_state,
                 .dt_min = 0,
                 .dt_max = kUnclamped,
                 .alignment = alignment,
                 .softplus = !s.is("bare"),
                 .D_per_channel = false,
                 .importance = scores_};
  }

  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  std::string run(const Backend& backend, ThreadPool& pool) const {
    ExecContext context{pool};
    const Status status =
        selective_ ? backend.selective_scan.run(selective_scan_, context) : backend.ssd_scan.run(ssd_scan_, context);
    if (!status.ok()) throw std::runtime_error(status.message);
    return context.route;
  }

  double updates() const { return double(path_.index.size()) * double(size_.channels()) * size_.d_state; }

  // The largest distance of an output from another's, by norms; rows that are not on the path are not looked at.
  double distance(const Scan& other) const {
    const int64_t E = size_.channels();
    double worst = distance(state_, other.state_, E * size_.d_state);
    double difference = 0, norm = 0;
    for (const int32_t row : path_.index) add(y_ + row * E, other.y_ + row * E, E, &difference, &norm);
    worst = std::max(worst, std::sqrt(difference / norm));
    return scores_ ? std::max(worst, distance(scores_, other.scores_, rows_)) : worst;
  }

 private:
  static void add(const float* a, const float* b, int64_t count, double* difference, double* norm) {
    for (int64_t i = 0; i < count; ++i) {
      *difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
      *norm += double(b[i]) * b[i];
    }
  }
  static double distance(const float* a, const float* b, int64_t count) {
    double difference = 0, norm = 0;
    add(a, b, count, &difference, &norm);
    return std::sqrt(difference / norm);
  }

  const float* values(int64_t count, float low, float high) {
    tensors_.push_back(Floats::random(count, uint32_t(tensors_.size()) + 1, low, high));
    return tensors_.back().data();
  }
  float* output(int64_t count) {
    tensors_.emplace_back(count);
    std::fill(tensors_.back().data(), tensors_.back().data() + count, std::numeric_limits<float>::quiet_NaN());
    return tensors_.back().data();
  }

  Size size_;
  ScanPath path_;
  bool selective_;
  int64_t rows_ = 0;
  std::vector<Floats> tensors_;
  float *y_ = nullptr, *state_ = nullptr, *scores_ = nullptr;
  SelectiveScanParams selective_scan_{};
  SsdScanParams ssd_scan_{};
};

class Scans {
 public:
  explicit Scans(const Backend& backend) : backend_(backend) {}

  std::string prepare(const Setting& s) {
    const double error = check(s);
    auto scan = std::make_unique<Scan>(s, full_size(s));
    const std::string route = scan->run(backend_, pool(s.threads));
    const double updates = scan->updates();
    scans_[s.name()] = std::move(scan);
    return "{\"error\":" + json(error) + ",\"updates\":" + json(updates) + ",\"route\":" + json(route) + "}";
  }

  double time(double seconds, const Setting& s) {
    const auto scan = scans_.find(s.name());
    if (scan == scans_.end()) throw std::runtime_error("the scan " + s.name() + " has not been prepared");
    return median_seconds(seconds, [&] { scan->second->run(backend_, pool(s.threads)); });
  }

  void forget() { scans_.clear(); }

 private:
  // A small scan of the same kind beside the reference. Returns its error.
  double check(Setting s) {
    s.steps = 300;
    const Scan got(s, small_size(s)), want(s, small_size(s));
    got.run(backend_, pool(s.threads));
    want.run(*cpu::available().back(), pool(s.threads));
    const double error = got.distance(want);
    if (!(error <= kTolerance)) {
      throw std::runtime_error("the scan " + s.name() + " is off by " + json(error) + " of the reference; " +
                               json(kTolerance) + " is allowed");
    }
    return error;
  }

  ThreadPool& pool(int threads) {
    auto& pool = pools_[threads];
    if (!pool) pool = std::make_unique<ThreadPool>(threads);
    return *pool;
  }

  const Backend& backend_;
  std::map<int, std::unique_ptr<ThreadPool>> pools_;
  std::map<std::string, std::unique_ptr<Scan>> scans_;
};

Setting read(std::istringstream& argument) {
  Setting s;
  argument >> s.op >> s.variant >> s.steps >> s.threads;
  if (!argument || s.steps < 1 || s.threads < 1) throw std::runtime_error("expected OP VARIANT STEPS THREADS");
  return s;
}

}  // namespace

std::map<std::string, Method> scan_methods(const Backend& backend) {
  const auto scans = std::make_shared<Scans>(backend);
  return {
      {"scan", [scans](std::istringstream& argument) { return scans->prepare(read(argument)); }},
      {"timeScan",
       [scans](std::istringstream& argument) {
         double seconds = 0;
         argument >> seconds;
         return json(scans->time(seconds, read(argument)));
       }},
      {"endScans",
       [scans](std::istringstream&) {
         scans->forget();
         return std::string("null");
       }},
  };
}

}  // namespace skipscan::bench
