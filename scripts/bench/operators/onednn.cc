// oneDNN as a peer, its weights in the layout that it asks for. In bf16 x is rounded within each product, as in a model whose
// activations are float32.
#include <omp.h>

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <stdexcept>

#include "products.h"

namespace skipscan::bench {
namespace {

using Memory = dnnl::memory;
using Type = Memory::data_type;
using Layout = Memory::format_tag;

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const Memory::desc& x, const Memory::desc& w,
                                      const Memory::desc& y) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, x, w, y};
#else
  return {dnnl::matmul::desc(x, w, y), engine};
#endif
}

class OneDnn : public Library {
 public:
  std::string version() const override {
    const dnnl_version_t* v = dnnl_version();
    return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }

  void load(const std::vector<Floats>& weights, int64_t outputs, int64_t inputs, DType dtype) override {
    if (dtype != DType::f32 && dtype != DType::bf16) throw std::runtime_error("oneDNN is asked for f32 and bf16 only");
    plain_ = &weights;
    outputs_ = outputs;
    inputs_ = inputs;
    type_ = dtype == DType::bf16 ? Type::bf16 : Type::f32;
  }

  void prepare(int64_t rows, const float* x, float* y, int threads) override {
    omp_set_num_threads(threads);
    const Memory::desc x_desc({rows, inputs_}, type_, Layout::ab), y_desc({rows, outputs_}, Type::f32, Layout::ab),
        w_desc({inputs_, outputs_}, type_, Layout::any);
    const auto product = describe(engine_, x_desc, w_desc, y_desc);
    route_ = product.impl_info_str();
    product_ = dnnl::matmul(product);
    plain_x_ = Memory({{rows, inputs_}, Type::f32, Layout::ab}, engine_, const_cast<float*>(x));
    x_ = type_ == Type::f32 ? plain_x_ : Memory(x_desc, engine_);
    round_ = dnnl::reorder(plain_x_, x_);
    y_ = Memory(y_desc, engine_, y);

    packed_.clear();
    for (const Floats& values : *plain_) {
      // (outputs, inputs) row-major is (inputs, outputs) column-major.
      Memory plain({{inputs_, outputs_}, Type::f32, Layout::ba}, engine_, values.data());
      packed_.emplace_back(product.weights_desc(), engine_);
      dnnl::reorder(plain, packed_.back()).execute(stream_, plain, packed_.back());
    }
    stream_.wait();
  }

  void multiply(size_t layer) override {
    if (type_ != Type::f32) round_.execute(stream_, plain_x_, x_);
    product_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, packed_[layer]}, {DNNL_ARG_DST, y_}});
    stream_.wait();
  }

  std::string route() const override { return route_; }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  const std::vector<Floats>* plain_ = nullptr;
  int64_t outputs_ = 0, inputs_ = 0;
  Type type_ = Type::f32;
  std::vector<Memory> packed_;
  Memory plain_x_, x_, y_;
  dnnl::reorder round_;
  dnnl::matmul product_;
  std::string route_;
};

}  // namespace
}  // namespace skipscan::bench

int main() {
  skipscan::bench::OneDnn library;
  return skipscan::bench::serve(skipscan::bench::product_methods(library));
}
