// The engine's own kernels, as a model calls them.
#include <memory>
#include <stdexcept>

#include "core/buffer.h"
#include "cpu/cpu.h"
#include "ops/pack.h"
#include "products.h"
#include "scans.h"

namespace skipscan::bench {
namespace {

struct Packed {
  WeightMatrix matrix;
  Buffer memory;
};

// The only place here that knows how the engine keeps weights.
Packed pack(const Floats& values, int64_t rows, int64_t cols, DType dtype, const Backend& backend) {
  Packed packed;
  packed.matrix = {.dtype = dtype, .rows = rows, .cols = cols, .panel = backend.panel};
  packed.memory = Buffer(packed.matrix.bytes());
  packed.matrix.data = packed.memory.as<void>();
  pack_rows(values.data(), DType::f32, 0, rows, packed.matrix, packed.memory.as<void>());
  return packed;
}

class Engine : public Library {
 public:
  explicit Engine(const Backend& backend) : backend_(backend) {}

  std::string version() const override { return backend_.name; }

  void load(const std::vector<Floats>& weights, int64_t outputs, int64_t inputs, DType dtype) override {
    if (dtype == DType::i32) throw std::runtime_error("there are no products with weights of type i32");
    weights_.clear();
    for (const Floats& values : weights) weights_.push_back(pack(values, outputs, inputs, dtype, backend_));
    outputs_ = outputs;
    inputs_ = inputs;
  }

  void round_inputs(bool rounded) override { rounded_ = rounded; }

  void prepare(int64_t rows, const float* x, float* y, int threads) override {
    if (!pool_ || pool_->threads() != threads) pool_ = std::make_unique<ThreadPool>(threads);
    params_ = {.x = x,
               .weight = weights_.front().matrix,
               .bias = nullptr,
               .y = y,
               .rows = rows,
               .x_stride = inputs_,
               .y_stride = outputs_};
    const Support support = backend_.linear.supports(params_);
    if (!support.ok) throw std::runtime_error(support.why);
  }

  void multiply(size_t layer) override {
    params_.weight = weights_[layer].matrix;
    ExecContext context{.pool = *pool_, .bf16_inputs = rounded_};
    const Status status = backend_.linear.run(params_, context);
    if (!status.ok()) throw std::runtime_error(status.message);
    route_ = context.route;
  }

  std::string route() const override { return route_; }

 private:
  const Backend& backend_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<Packed> weights_;
  int64_t outputs_ = 0, inputs_ = 0;
  LinearParams params_{};
  bool rounded_ = false;
  const char* route_ = "";
};

}  // namespace
}  // namespace skipscan::bench

int main() {
  std::string why;
  const skipscan::Backend* const backend = skipscan::cpu::choose(&why);
  if (!backend) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return 1;
  }
  skipscan::bench::Engine engine(*backend);
  auto methods = skipscan::bench::product_methods(engine);
  methods.merge(skipscan::bench::scan_methods(*backend));
  return skipscan::bench::serve(methods);
}
