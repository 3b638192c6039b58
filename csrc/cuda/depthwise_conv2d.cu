// Depthwise convolution over a grid: channels by fours where that many can be moved at once.
#include "cuda/depthwise_conv2d.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const DepthwiseConv2dParams& p) { return supports_one_dtype({p.x, p.out}); }

// 16 bytes of float32, which weights are.
constexpr int kPack = 4;

bool packs(const DepthwiseConv2dParams& p) {
  const size_t of_x = kPack * size_of(p.x.dtype), of_floats = kPack * sizeof(float);
  return p.channels % kPack == 0 && aligned(p.x, p.x_stride, of_x) && aligned(p.out, p.out_stride, of_x) &&
         aligned(p.added, p.channels, of_floats) && aligned(p.weight, p.channels, of_floats) &&
         aligned(p.bias, p.channels, of_floats);
}

Status run(const DepthwiseConv2dParams& p, ExecContext& ctx) {
  const bool packed = packs(p);
  ctx.route = packed ? "cuda/packs" : "cuda/channels";
  return with_dtype(p.x.dtype, [&]<class T>(T) -> Status {
    return packed ? launch_conv2d<T, kPack>(p, *ctx.stream) : launch_conv2d<T, 1>(p, *ctx.stream);
  });
}

}  // namespace

const Op<DepthwiseConv2dParams> depthwise_conv2d = {supports, run};

}  // namespace skipscan::cuda
