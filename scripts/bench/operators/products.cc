#include "products.h"

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

namespace skipscan::bench {
namespace {

// As many matrices as a model has layers take turns, so that none stays in a core's cache; fewer of the largest.
constexpr int64_t kLayers = 24, kLayersBytes = 256 << 20, kFewestLayers = 2;

// How far an output may be from the sum in double precision, in units of the norm of its terms: six standard deviations of
// what rounding both factors does to them (bf16: 2^-9 each at most, f16: 2^-12; 8 bits: 1/254 of the largest of a block), and
// for float32 the order of the sums.
double tolerance(const std::string& dtype) {
  if (dtype == "f32") return 3e-5;
  if (dtype == "f16") return 1.25e-3;
  if (dtype.starts_with("bf16")) return 1e-2;
  return 4e-2;
}

// Includes those of the engine's types that this file has never heard of.
DType dtype_named(const std::string& name) {
  for (uint8_t i = 0; std::string(name_of(DType(i))) != "unknown"; ++i)
    if (name == name_of(DType(i))) return DType(i);
  throw std::runtime_error("the engine has no weights of type " + name);
}

class Products {
 public:
  explicit Products(Library& library) : library_(library) {}

  size_t load(int64_t outputs, int64_t inputs, const std::string& dtype) {
    unload();
    outputs_ = outputs;
    inputs_ = inputs;
    dtype_ = dtype;
    const int64_t bytes = outputs * inputs * int64_t(sizeof(float));
    const int64_t layers = std::clamp(kLayersBytes / bytes, kFewestLayers, kLayers);
    for (int64_t layer = 0; layer < layers; ++layer)
      weights_.push_back(Floats::random(outputs * inputs, uint32_t(layer) + 1));
    const bool rounded = dtype == "bf16-rounded";
    library_.round_inputs(rounded);
    library_.load(weights_, outputs, inputs, rounded ? DType::bf16 : dtype_named(dtype));
    return weights_.size();
  }

  void unload() { weights_.clear(); }

  // Every layer once, of which the first and the last are checked. Returns the largest error.
  double prepare(int64_t rows, int threads) {
    if (weights_.empty()) throw std::runtime_error("there are no weights; load some first");
    x_ = Floats::random(rows * inputs_, 1000);
    y_ = Floats(rows * outputs_);
    library_.prepare(rows, x_.data(), y_.data(), threads);
    double worst = 0;
    for (size_t layer = 0; layer < weights_.size(); ++layer) {
      const bool checked = layer == 0 || layer + 1 == weights_.size();
      if (checked) std::fill(y_.data(), y_.data() + y_.size(), std::numeric_limits<float>::quiet_NaN());
      library_.multiply(layer);
      if (checked) worst = std::max(worst, error(rows, weights_[layer]));
    }
    if (!(worst <= tolerance(dtype_))) {
      throw std::runtime_error("a product is off by " + json(worst) + " of the norm of its terms; " +
                               json(tolerance(dtype_)) + " is allowed");
    }
    return worst;
  }

  double time(double seconds) {
    return median_seconds(seconds, [&] { library_.multiply(next_++ % weights_.size()); });
  }

 private:
  // The largest error of some outputs, the last of all among them. What is not a number is infinitely wrong.
  double error(int64_t rows, const Floats& weights) const {
    constexpr int64_t kChecked = 256;
    const int64_t outputs = rows * outputs_;
    double worst = 0;
    for (int64_t i = 0; i < kChecked; ++i) {
      const int64_t at = outputs - 1 - i * 104729 % outputs, row = at / outputs_, output = at % outputs_;
      double sum = 0, squares = 0;
      for (int64_t k = 0; k < inputs_; ++k) {
        const double term = double(x_[row * inputs_ + k]) * weights[output * inputs_ + k];
        sum += term;
        squares += term * term;
      }
      const double off = std::fabs(y_[at] - sum) / std::sqrt(squares);
      worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(worst, off);
      if (std::isinf(worst)) break;
    }
    return worst;
  }

  Library& library_;
  std::vector<Floats> weights_;
  Floats x_, y_;
  int64_t outputs_ = 0, inputs_ = 0;
  std::string dtype_;
  size_t next_ = 0;
};

}  // namespace

std::map<std::string, Method> product_methods(Library& library) {
  const auto products = std::make_shared<Products>(library);
  return {
      {"version", [&library](std::istringstream&) { return json(library.version()); }},
      {"load",
       [products](std::istringstream& argument) {
         int64_t outputs = 0, inputs = 0;
         std::string dtype;
         argument >> outputs >> inputs >> dtype;
         return json(double(products->load(outputs, inputs, dtype)));
       }},
      {"prepare",
       [products, &library](std::istringstream& argument) {
         int64_t rows = 0;
         int threads = 0;
         argument >> rows >> threads;
         const double error = products->prepare(rows, threads);
         return "{\"error\":" + json(error) + ",\"route\":" + json(library.route()) + "}";
       }},
      {"time",
       [products](std::istringstream& argument) {
         double seconds = 0;
         argument >> seconds;
         return json(products->time(seconds));
       }},
      {"unload",
       [products](std::istringstream&) {
         products->unload();
         return std::string("null");
       }},
  };
}

}  // namespace skipscan::bench
