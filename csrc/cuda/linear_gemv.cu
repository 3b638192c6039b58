// y = x weight^T + bias for few rows, as in decoding: what counts is how fast the weights arrive.
//
// The warps of a block share out the inputs of its few outputs and add up in the end, so that short matrices fill the GPU too.
// Each lane has four loads of 16 bytes of weights under way, a multiprocessor with 20 warps thereby 40 KiB; its share of
// 4.8 TB/s needs about 30 KiB.
// Floor: the bytes of the weight matrix.
#include "cuda/linear.cuh"
#include "cuda/mma.cuh"
#include "cuda/reduce.cuh"

namespace skipscan::cuda {
namespace {

constexpr int kMaxWarps = 16;

// Warps for `steps` steps of a warp through the inputs: more of them where there are too few blocks to fill the GPU.
int choose_warps(int64_t steps, int64_t blocks, const DeviceLimits& limits) {
  const int64_t most = blocks < 2 * limits.multiprocessors ? kMaxWarps : kMaxWarps / 2;
  return int(steps < most ? steps : most);
}

// The row, or the last one where there are fewer: what is computed for it twice is stored once.
__device__ inline int64_t row_or_last(int64_t row, int64_t rows) { return row < rows ? row : rows - 1; }

// ---- on tensor cores: fragments of 16 rows of x times fragments of 8 outputs
//
// Which input a fragment's k stands for is free as long as both sides agree, so each lane loads 8 neighbours at once, which are
// its share of two fragments.

constexpr int kTensorOutputs = 8, kTensorDepth = 32, kTensorLoads = 4, kStep = kTensorLoads * kTensorDepth;

template <class T>
__device__ inline void load_eight(unsigned (&pairs)[4], const T* p) {
  const auto words = load_pack<unsigned, 4>(reinterpret_cast<const unsigned*>(p));
#pragma unroll
  for (int i = 0; i < 4; ++i) pairs[i] = words.values[i];
}

template <class T, int kHalves>  // rows: 8 or 16
__global__ void __launch_bounds__(kMaxWarps* kWarp, kHalves == 1 ? 2 : 1) linear_gemv_tensor_kernel(LinearParams p) {
  constexpr int kRows = kHalves * 8;
  SKIPSCAN_SHARED(float, of_warps, [kMaxWarps][kRows][kTensorOutputs]);
  const int warp = warp_index(), warps = int(blockDim.x) / kWarp, group = lane_index() / 4, quad = lane_index() % 4;

  const int inputs = int(p.weight.cols);
  const int64_t first = int64_t(blockIdx.x) * kTensorOutputs;
  const T* const weight =
      static_cast<const T*>(p.weight.data) + row_or_last(first + group, p.weight.rows) * p.weight.cols + quad * 8;
  const T* x[kHalves];
#pragma unroll
  for (int h = 0; h < kHalves; ++h) {
    x[h] = static_cast<const T*>(p.x.data) + row_or_last(h * 8 + group, p.rows) * p.x_stride + quad * 8;
  }

  float sums[2][4] = {};
  const auto add_products = [&]<bool kWhole>(int k, std::bool_constant<kWhole>) {
    unsigned weights[kTensorLoads][4] = {}, values[kTensorLoads][kHalves][4] = {};
#pragma unroll
    for (int i = 0; i < kTensorLoads; ++i) {
      if (kWhole || k + i * kTensorDepth + quad * 8 < inputs) {
        load_streamed(weights[i], weight + k + i * kTensorDepth);
      }
    }
#pragma unroll
    for (int i = 0; i < kTensorLoads; ++i) {
#pragma unroll
      for (int h = 0; h < kHalves; ++h) {
        if (kWhole || k + i * kTensorDepth + quad * 8 < inputs) load_eight(values[i][h], x[h] + k + i * kTensorDepth);
      }
    }
#pragma unroll
    for (int i = 0; i < kTensorLoads; ++i) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const unsigned(&low)[4] = values[i][0], (&high)[4] = values[i][kHalves - 1];
        mma_m16n8k16<T>(sums[j], {low[j * 2], high[j * 2], low[j * 2 + 1], high[j * 2 + 1]},
                        {weights[i][j * 2], weights[i][j * 2 + 1]});
      }
    }
  };
  int k = warp * kStep;
  for (; k + kStep <= inputs; k += warps * kStep) add_products(k, std::true_type());
  if (k < inputs) add_products(k, std::false_type());
#pragma unroll
  for (int h = 0; h < kHalves; ++h) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      of_warps[warp][h * 8 + group][quad * 2 + e] = sums[0][h * 2 + e] + sums[1][h * 2 + e];
    }
  }
  __syncthreads();
  for (int i = int(threadIdx.x); i < p.rows * kTensorOutputs; i += int(blockDim.x)) {
    const int row = i / kTensorOutputs, output = i % kTensorOutputs;
    float total[1] = {};
    for (int w = 0; w < warps; ++w) total[0] += of_warps[w][row][output];
    if (first + output < p.weight.rows) store_outputs<T>(p, row, first + output, total, false);
  }
}

template <class T, int kHalves>
Status launch_tensor(const LinearParams& p, Stream& stream) {
  const int64_t blocks = div_up(p.weight.rows, kTensorOutputs);
  const int warps = choose_warps(div_up(p.weight.cols, kStep), blocks, stream.limits());
  return launch(stream, linear_gemv_tensor_kernel<T, kHalves>, dim3(unsigned(blocks)), dim3(warps * kWarp), 0, p);
}

// ---- in float32: kRows rows of x times 4 outputs

constexpr int kOutputs = 4;

template <class W, int kPack>
__device__ inline Pack<W, kPack> load_weights(const W* p) {
  if constexpr (sizeof(W) * kPack == 16) {
    Pack<unsigned, 4> words;
    load_streamed(words.values, p);
    return std::bit_cast<Pack<W, kPack>>(words);
  } else {
    return load_pack<W, kPack>(p);
  }
}

// Two blocks of the largest size on a multiprocessor, but for float32 weights: those do not fit into 64 registers on every chip.
template <class X, class W, int kRows, bool kPacks>
__global__ void __launch_bounds__(kMaxWarps* kWarp, kRows == 1 && sizeof(W) < 4 ? 2 : 1)
    linear_gemv_kernel(LinearParams p, int64_t row_groups) {
  constexpr int kPack = kPacks ? int(16 / sizeof(W)) : 1;  // inputs that a lane takes at once
  SKIPSCAN_SHARED(float, of_warps, [kMaxWarps][kRows][kOutputs]);
  const int warp = warp_index(), warps = int(blockDim.x) / kWarp;

  // Groups of rows that read the same weights are neighbours, to meet in the L2 cache.
  const int64_t first_row = blockIdx.x % row_groups * kRows, first = blockIdx.x / row_groups * kOutputs;
  const int64_t inputs = p.weight.cols;
  const X* x[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    x[r] = static_cast<const X*>(p.x.data) + row_or_last(first_row + r, p.rows) * p.x_stride;
  }
  const W* weight[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) {
    weight[o] = static_cast<const W*>(p.weight.data) + row_or_last(first + o, p.weight.rows) * inputs;
  }

  float sums[kRows][kOutputs] = {};
  for (int64_t k = int64_t(threadIdx.x) * kPack; k < inputs; k += int64_t(blockDim.x) * kPack) {
    Pack<W, kPack> weights[kOutputs];
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) weights[o] = load_weights<W, kPack>(weight[o] + k);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      float values[kPack];
      load_floats(values, x[r] + k);
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) {
#pragma unroll
        for (int i = 0; i < kPack; ++i) sums[r][o] += values[i] * weights[o][i];
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) {
      const float total = warp_sum(sums[r][o]);
      if (lane_index() == 0) of_warps[warp][r][o] = total;
    }
  }
  __syncthreads();
  if (threadIdx.x < kRows * kOutputs) {
    const int row = int(threadIdx.x) / kOutputs, output = int(threadIdx.x) % kOutputs;
    float total[1] = {};
    for (int w = 0; w < warps; ++w) total[0] += of_warps[w][row][output];
    if (first_row + row < p.rows && first + output < p.weight.rows) {
      store_outputs<X>(p, first_row + row, first + output, total, false);
    }
  }
}

template <class X, class W, int kRows, bool kPacks>
Status launch_gemv(const LinearParams& p, Stream& stream) {
  const int64_t row_groups = div_up(p.rows, kRows), blocks = div_up(p.weight.rows, kOutputs) * row_groups;
  const int64_t step = kWarp * (kPacks ? int64_t(16 / sizeof(W)) : 1);
  const int warps = choose_warps(div_up(p.weight.cols, step), blocks, stream.limits());
  return launch(stream, linear_gemv_kernel<X, W, kRows, kPacks>, dim3(unsigned(blocks)), dim3(warps * kWarp), 0, p,
                row_groups);
}

}  // namespace

Status linear_gemv_tensor(const LinearParams& p, Stream& stream) {
  const auto run = [&]<class T>(T) {
    return p.rows <= 8 ? launch_tensor<T, 1>(p, stream) : launch_tensor<T, 2>(p, stream);
  };
  return p.x.dtype == DType::bf16 ? run(bf16()) : run(f16());
}

Status linear_gemv(const LinearParams& p, Stream& stream) {
  return with_dtypes(p, [&]<class X, class W>(X, W) {
    if (!reads_packs(p)) return launch_gemv<X, W, 4, false>(p, stream);
    return p.rows == 1 ? launch_gemv<X, W, 1, true>(p, stream) : launch_gemv<X, W, 4, true>(p, stream);
  });
}

}  // namespace skipscan::cuda
