// y = x weight^T + bias: which form runs, and what those that make several products or leave out the bias add in the end.
#include "cuda/linear.cuh"

#include "cuda/blas.h"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kGemvRows = 8;  // without tensor cores

// ---- kernels of one value to a thread; grid: blocks of outputs x rows, of which there may be more

dim3 elementwise_grid(const LinearParams& p) {
  return dim3(unsigned(div_up(p.weight.rows, kThreads)), unsigned(p.rows < 65535 ? p.rows : 65535));
}

template <class Y>
__global__ void __launch_bounds__(kThreads) sum_slices_kernel(LinearParams p, const float* products, int64_t slices) {
  const int64_t output = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (output >= p.weight.rows) return;
  for (int64_t row = blockIdx.y; row < p.rows; row += gridDim.y) {
    float total = p.bias ? p.bias[output] : 0;
    for (int64_t s = 0; s < slices; ++s) total += products[(s * p.rows + row) * p.weight.rows + output];
    store(static_cast<Y*>(p.y.data) + row * p.y_stride + output, total);
  }
}

__global__ void __launch_bounds__(kThreads) add_bias_kernel(LinearParams p) {
  const int64_t output = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (output >= p.weight.rows) return;
  for (int64_t row = blockIdx.y; row < p.rows; row += gridDim.y) {
    static_cast<float*>(p.y.data)[row * p.y_stride + output] += p.bias[output];
  }
}

// ---- the operator

Support supports(const LinearParams& p) {
  const DType x = p.x.dtype, weight = p.weight.dtype, y = p.y.dtype;
  if (p.weight.panel != 1)
    return {false, "Expected a row-major weight, but received one in the panels of another device."};
  if (x == DType::i32) return {false, "Expected activations of f32, bf16 or f16, but received i32."};
  if (y != x && y != DType::f32) {
    return {false, std::string("Expected an output of the activations' ") + name_of(x) + " or of f32, but received " +
                       name_of(y) + "."};
  }
  if (x != DType::f32 && weight != DType::f32 && weight != x) {
    return {false, std::string("Expected a weight of the activations' ") + name_of(x) + " or of f32, but received " +
                       name_of(weight) + "; convert one of them with Tensor.to()."};
  }
  return {};
}

Status run(const LinearParams& p, ExecContext& ctx) {
  Stream& stream = *ctx.stream;
  const bool tensor = takes_tensor_cores(p, stream.limits());
  if (p.rows <= (tensor ? kGemvTensorRows : kGemvRows)) {
    ctx.route = "cuda/gemv";
    return tensor ? linear_gemv_tensor(p, stream) : linear_gemv(p, stream);
  }
  // cuBLASLt leaves the bias for later, which is too late where it has rounded already.
  const bool keeps_float = !p.bias || p.y.dtype == DType::f32;
  if (keeps_float && stream.blas() && stream.blas()->multiply(p, stream.handle())) {
    ctx.route = "cuda/cublaslt";
    return p.bias ? launch(stream, add_bias_kernel, elementwise_grid(p), dim3(kThreads), 0, p) : Status();
  }
  ctx.route = tensor ? "cuda/tensor" : "cuda/fma";
  return tensor ? linear_tensor(p, stream) : linear_fma(p, stream);
}

}  // namespace

Slices slice_inputs(int64_t inputs, int64_t tiles, int64_t blocks) {
  constexpr int64_t kLeast = 256, kUnit = 32;
  const int64_t most = inputs / kLeast < 1 ? 1 : inputs / kLeast, wanted = blocks / tiles < 1 ? 1 : blocks / tiles;
  const int64_t depth = div_up(div_up(inputs, wanted < most ? wanted : most), kUnit) * kUnit;
  return {div_up(inputs, depth), depth};
}

Status sum_slices(const LinearParams& p, const float* products, int64_t slices, Stream& stream) {
  return with_dtype(p.y.dtype, [&]<class Y>(Y) {
    return launch(stream, sum_slices_kernel<Y>, elementwise_grid(p), dim3(kThreads), 0, p, products, slices);
  });
}

const Op<LinearParams> linear = {supports, run};

}  // namespace skipscan::cuda
