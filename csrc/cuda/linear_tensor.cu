// y = x weight^T + bias on tensor cores.
//
// A block of 2 x 2 warps makes a tile of y, each warp a quarter of it, from 32 inputs at a time, which cp.async brings to shared
// memory three steps ahead. Grid: tiles (tile_of) x slices of the inputs.
// Floor: 2 rows outputs inputs FLOPs of the tensor cores. A warp's quarter of 64 x 64 takes 8 ldmatrix for 32 mma, so
// that shared memory is read at half of its rate when mma.sync runs at its own.
#include "cuda/linear.cuh"
#include "cuda/mma.cuh"
#include "cuda/reduce.cuh"

namespace skipscan::cuda {
namespace {

constexpr int kDepth = 32, kStages = 4, kThreads = 128;
constexpr int kPart = 8, kParts = kDepth / kPart;  // what cp.async and ldmatrix move as one: 8 elements, 16 bytes

// Where a part of a tile's row lies in shared memory. Rows are 64 bytes, and ldmatrix reads a part of 8 of them at once, which
// must all lie in different banks. Rows of x are read in their order. Outputs are dealt to the columns of fragments so that
// a lane ends up with 8 neighbours: column c of fragment j of four is output c / 2 * 8 + j * 2 + c % 2.
__device__ inline int x_place(int row, int part) { return row * kDepth + (part ^ (row / 2 % kParts)) * kPart; }
__device__ inline int weight_place(int output, int part) {
  return output * kDepth + (part ^ (output / 8 % kParts)) * kPart;
}

template <class T, int kTile>
constexpr size_t kSharedBytes = size_t(kStages) * 2 * kTile * kDepth * sizeof(T);

template <class T, int kTile>
__global__ void __launch_bounds__(kThreads, kTile == 128 ? 2 : 4)
    linear_tensor_kernel(LinearParams p, int64_t output_tiles, int64_t slice_depth, bool packs) {
  constexpr int kQuarter = kTile / 2, kRowFragments = kQuarter / 16, kOutputGroups = kQuarter / 32;
  constexpr int kStage = kTile * kDepth, kCopied = kThreads / kParts;  // rows of a tile that the block copies at once
  SKIPSCAN_DYNAMIC_SHARED(T, stages);
  T* const x_stages = stages;
  T* const weight_stages = stages + kStages * kStage;

  const TileIndex tile = tile_of(blockIdx.x, div_up(p.rows, kTile), output_tiles);
  const int64_t slice = blockIdx.y, begin = slice * slice_depth;
  const int depth = int(p.weight.cols - begin < slice_depth ? p.weight.cols - begin : slice_depth);
  const int steps = (depth + kDepth - 1) / kDepth;

  const int part = int(threadIdx.x) % kParts, copied = int(threadIdx.x) / kParts;
  const int64_t x_row = tile.row * kTile + copied, output = tile.output * kTile + copied;
  const T* const x = static_cast<const T*>(p.x.data) + x_row * p.x_stride + begin + part * kPart;
  const T* const weight = static_cast<const T*>(p.weight.data) + output * p.weight.cols + begin + part * kPart;
  const auto copy = [&](int step) {
    if (step < steps) {
      T* const x_stage = x_stages + step % kStages * kStage;
      T* const weight_stage = weight_stages + step % kStages * kStage;
      const bool exists = step * kDepth + part * kPart < depth;
#pragma unroll
      for (int i = 0; i < kTile; i += kCopied) {
        cp_async_16(x_stage + x_place(copied + i, part), x + i * p.x_stride + step * kDepth,
                    exists && x_row + i < p.rows ? 16 : 0);
        cp_async_16(weight_stage + weight_place(copied + i, part), weight + i * p.weight.cols + step * kDepth,
                    exists && output + i < p.weight.rows ? 16 : 0);
      }
    }
    cp_async_commit();
  };

  const int lane = lane_index(), quarter_row = warp_index() / 2 * kQuarter,
            quarter_output = warp_index() % 2 * kQuarter;
  // What the lane names to ldmatrix: of a fragment of x, a row and one of two parts; of two fragments of the weight, which
  // fragment, a column of it, and one of two parts.
  const int x_lane_row = quarter_row + lane % 16, x_lane_part = lane / 16;
  const int weight_lane_output = quarter_output + lane % 8 / 2 * 8 + lane / 16 * 2 + lane % 2;
  const int weight_lane_part = lane / 8 % 2;

  float sums[kRowFragments][kOutputGroups * 4][4] = {};
  const auto multiply = [&](int step) {
    const T* const x_stage = x_stages + step % kStages * kStage;
    const T* const weight_stage = weight_stages + step % kStages * kStage;
#pragma unroll
    for (int half = 0; half < kDepth / 16; ++half) {
      unsigned a[kRowFragments][4], b[kOutputGroups * 4][2];
#pragma unroll
      for (int i = 0; i < kRowFragments; ++i) {
        ldmatrix_x4(a[i], x_stage + i * 16 * kDepth + x_place(x_lane_row, half * 2 + x_lane_part));
      }
#pragma unroll
      for (int j = 0; j < kOutputGroups * 4; j += 2) {
        unsigned two[4];
        ldmatrix_x4(two, weight_stage + (j / 4 * 32 + j % 4 * 2) * kDepth +
                             weight_place(weight_lane_output, half * 2 + weight_lane_part));
        b[j][0] = two[0], b[j][1] = two[1], b[j + 1][0] = two[2], b[j + 1][1] = two[3];
      }
#pragma unroll
      for (int i = 0; i < kRowFragments; ++i) {
#pragma unroll
        for (int j = 0; j < kOutputGroups * 4; ++j) mma_m16n8k16<T>(sums[i][j], a[i], b[j]);
      }
    }
  };

#pragma unroll
  for (int step = 0; step < kStages - 1; ++step) copy(step);
  for (int step = 0; step < steps; ++step) {
    cp_async_wait<kStages - 2>();
    __syncthreads();  // the copies of this step are there, and nobody reads the stage that the next ones overwrite
    copy(step + kStages - 1);
    multiply(step);
  }
  cp_async_wait<0>();

#pragma unroll
  for (int group = 0; group < kOutputGroups; ++group) {
    const int64_t first = tile.output * kTile + quarter_output + group * 32 + lane % 4 * 8;
#pragma unroll
    for (int i = 0; i < kRowFragments * 2; ++i) {
      const int64_t row = tile.row * kTile + quarter_row + i * 8 + lane / 4;
      float eight[8];
#pragma unroll
      for (int e = 0; e < 8; ++e) eight[e] = sums[i / 2][group * 4 + e / 2][i % 2 * 2 + e % 2];
      if (row < p.rows) store_outputs<T>(p, slice * p.rows + row, first, eight, packs);
    }
  }
}

template <class T, int kTile>
Status launch_tiles(const LinearParams& p, const Slices& slices, Stream& stream) {
  return run_sliced(p, slices, stream, [&](const LinearParams& q) {
    const int64_t output_tiles = div_up(q.weight.rows, kTile);
    const dim3 grid(unsigned(div_up(q.rows, kTile) * output_tiles), unsigned(slices.count));
    return launch(stream, linear_tensor_kernel<T, kTile>, grid, dim3(kThreads), kSharedBytes<T, kTile>, q, output_tiles,
                  slices.depth, aligned(q.y, q.y_stride, 16));
  });
}

template <class T>
Status run(const LinearParams& p, Stream& stream) {
  const int64_t processors = stream.limits().multiprocessors;
  const auto tiles = [&](int64_t size) { return div_up(p.rows, size) * div_up(p.weight.rows, size); };
  if (tiles(128) >= processors && kSharedBytes<T, 128> <= stream.limits().shared_bytes) {
    return launch_tiles<T, 128>(p, {1, p.weight.cols}, stream);
  }
  return launch_tiles<T, 64>(p, slice_inputs(p.weight.cols, tiles(64), 4 * processors), stream);
}

}  // namespace

Status linear_tensor(const LinearParams& p, Stream& stream) {
  return p.x.dtype == DType::bf16 ? run<bf16>(p, stream) : run<f16>(p, stream);
}

}  // namespace skipscan::cuda
