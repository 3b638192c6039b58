// y = x weight^T + bias in float32 arithmetic, for float32 activations and for what the tensor cores do not take.
//
// A block of 256 threads makes a tile of y, 4 x 4 or 8 x 8 outputs in the registers of each thread, from 8 or 16 inputs at a
// time, which wait in registers while the products of the inputs before run. Grid: tiles (tile_of) x slices of the inputs.
// Floor: rows outputs inputs FMAs. A thread of the larger tile reads 64 bytes of shared memory for 64 FMAs.
#include "cuda/linear.cuh"

namespace skipscan::cuda {
namespace {

constexpr int kThreads = 256;

// Four inputs of one row as they lie in memory, with zeros for those that do not exist.
template <class T>
__device__ inline Pack<T, 4> load_four(const T* p, int count, bool packs) {
  if (packs && count >= 4) return load_pack<T, 4>(p);
  Pack<T, 4> four;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (i < count) {
      four.values[i] = p[i];
    } else {
      four.set(i, 0);
    }
  }
  return four;
}

template <class X, class W, int kTile>
__global__ void __launch_bounds__(kThreads, 2)
    linear_fma_kernel(LinearParams p, int64_t output_tiles, int64_t slice_depth, bool reads, bool stores) {
  constexpr int kDepth = kThreads * 4 / kTile;  // inputs at a time: each thread brings four of x and four of the weight
  constexpr int kSquares = kTile / 64;          // a thread has kSquares x kSquares squares of 4 x 4, 64 apart
  constexpr int kPitch = kTile + 4;             // against bank conflicts of stores
  [[maybe_unused]] constexpr int kUnrolled = kTile == 128 ? 2 : 8;  // as far as the registers go
  SKIPSCAN_SHARED(float, xs, [2][kDepth][kPitch]);
  SKIPSCAN_SHARED(float, weights, [2][kDepth][kPitch]);

  const TileIndex tile = tile_of(blockIdx.x, div_up(p.rows, kTile), output_tiles);
  const int64_t slice = blockIdx.y, begin = slice * slice_depth;
  const int depth = int(p.weight.cols - begin < slice_depth ? p.weight.cols - begin : slice_depth);

  const int brought = int(threadIdx.x) / (kDepth / 4), first = int(threadIdx.x) % (kDepth / 4) * 4;
  const int64_t x_row = tile.row * kTile + brought, weight_row = tile.output * kTile + brought;
  const X* const x = static_cast<const X*>(p.x.data) + x_row * p.x_stride + begin + first;
  const W* const weight = static_cast<const W*>(p.weight.data) + weight_row * p.weight.cols + begin + first;
  Pack<X, 4> x_four;
  Pack<W, 4> weight_four;
  const auto load_step = [&](int k) {
    x_four = load_four(x + k, x_row < p.rows ? depth - first - k : 0, reads);
    weight_four = load_four(weight + k, weight_row < p.weight.rows ? depth - first - k : 0, reads);
  };
  const auto keep_step = [&](int buffer) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      xs[buffer][first + i][brought] = x_four[i];
      weights[buffer][first + i][brought] = weight_four[i];
    }
  };

  const int row = int(threadIdx.x) / 16 * 4, output = int(threadIdx.x) % 16 * 4;  // of the thread's first square
  float sums[kSquares * 4][kSquares][4] = {};
  load_step(0);
  keep_step(0);
  __syncthreads();
  int buffer = 0;
  for (int k = 0; k < depth; k += kDepth, buffer ^= 1) {
    const bool more = k + kDepth < depth;
    if (more) load_step(k + kDepth);
#pragma unroll kUnrolled
    for (int i = 0; i < kDepth; ++i) {
      float a[kSquares * 4], b[kSquares][4];
#pragma unroll
      for (int s = 0; s < kSquares; ++s) {
        const Pack<float, 4> of_x = load_pack<float, 4>(&xs[buffer][i][s * 64 + row]);
        const Pack<float, 4> of_weight = load_pack<float, 4>(&weights[buffer][i][s * 64 + output]);
#pragma unroll
        for (int e = 0; e < 4; ++e) a[s * 4 + e] = of_x[e], b[s][e] = of_weight[e];
      }
#pragma unroll
      for (int r = 0; r < kSquares * 4; ++r) {
#pragma unroll
        for (int s = 0; s < kSquares; ++s) {
#pragma unroll
          for (int e = 0; e < 4; ++e) sums[r][s][e] += a[r] * b[s][e];
        }
      }
    }
    if (more) keep_step(buffer ^ 1);
    __syncthreads();
  }

#pragma unroll
  for (int r = 0; r < kSquares * 4; ++r) {
    const int64_t y_row = tile.row * kTile + r / 4 * 64 + row + r % 4;
#pragma unroll
    for (int s = 0; s < kSquares; ++s) {
      const int64_t y_output = tile.output * kTile + s * 64 + output;
      if (y_row < p.rows) store_outputs<X>(p, slice * p.rows + y_row, y_output, sums[r][s], stores);
    }
  }
}

template <class X, class W, int kTile>
Status launch_tiles(const LinearParams& p, const Slices& slices, Stream& stream) {
  return run_sliced(p, slices, stream, [&](const LinearParams& q) {
    const int64_t output_tiles = div_up(q.weight.rows, kTile);
    const dim3 grid(unsigned(div_up(q.rows, kTile) * output_tiles), unsigned(slices.count));
    return launch(stream, linear_fma_kernel<X, W, kTile>, grid, dim3(kThreads), 0, q, output_tiles, slices.depth,
                  reads_packs(q), aligned(q.y, q.y_stride, 16));
  });
}

}  // namespace

Status linear_fma(const LinearParams& p, Stream& stream) {
  const int64_t processors = stream.limits().multiprocessors;
  const auto tiles = [&](int64_t size) { return div_up(p.rows, size) * div_up(p.weight.rows, size); };
  return with_dtypes(p, [&]<class X, class W>(X, W) {
    if constexpr (std::is_same_v<X, float>) {
      if (tiles(128) >= processors) return launch_tiles<X, W, 128>(p, {1, p.weight.cols}, stream);
    }
    return launch_tiles<X, W, 64>(p, slice_inputs(p.weight.cols, tiles(64), 3 * processors), stream);
  });
}

}  // namespace skipscan::cuda
