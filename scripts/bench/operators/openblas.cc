// OpenBLAS as a peer. It has no packed weights: every product reads plain ones.
#include <cblas.h>

#include <stdexcept>

#include "products.h"

extern "C" {  // not in every cblas.h that comes with it
void openblas_set_num_threads(int threads);
char* openblas_get_config(void);
}

namespace skipscan::bench {
namespace {

class OpenBlas : public Library {
 public:
  std::string version() const override { return openblas_get_config(); }

  void load(const std::vector<Floats>& weights, int64_t outputs, int64_t inputs, DType dtype) override {
    if (dtype != DType::f32) throw std::runtime_error("OpenBLAS multiplies f32 only");
    weights_ = &weights;
    outputs_ = int(outputs);
    inputs_ = int(inputs);
  }

  void prepare(int64_t rows, const float* x, float* y, int threads) override {
    openblas_set_num_threads(threads);
    rows_ = int(rows);
    x_ = x;
    y_ = y;
  }

  void multiply(size_t layer) override {
    const float* const w = (*weights_)[layer].data();
    if (rows_ == 1)
      cblas_sgemv(CblasRowMajor, CblasNoTrans, outputs_, inputs_, 1, w, inputs_, x_, 1, 0, y_, 1);
    else
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows_, outputs_, inputs_, 1, x_, inputs_, w, inputs_, 0, y_,
                  outputs_);
  }

  std::string route() const override { return rows_ == 1 ? "sgemv" : "sgemm"; }

 private:
  const std::vector<Floats>* weights_ = nullptr;
  int rows_ = 0, outputs_ = 0, inputs_ = 0;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace
}  // namespace skipscan::bench

int main() {
  skipscan::bench::OpenBlas library;
  return skipscan::bench::serve(skipscan::bench::product_methods(library));
}
