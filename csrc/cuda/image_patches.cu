// Image patches: which kernel runs, by what can be moved at once.
#include "cuda/image_patches.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const ImagePatchesParams& p) {
  return p.x.dtype == DType::f32 && p.out.dtype != DType::i32 ? Support() : supports_one_dtype({p.x, p.out});
}

template <class X, class Out>
Status run(const ImagePatchesParams& p, ExecContext& ctx) {
  constexpr int kPack = 16 / sizeof(X);
  const int64_t width = int64_t(p.kernel) * p.kernel * p.channels;
  const bool packs = width % kPack == 0 && aligned(p.out, width, kPack * sizeof(Out));
  const bool copies = packs && has_channel_packs<X, kPack>(p);
  ctx.route = copies ? "cuda/channels" : packs ? "cuda/packs" : "cuda/elements";
  if (copies) return launch_image_patches<X, Out, kPack, true>(p, *ctx.stream);
  if (packs) return launch_image_patches<X, Out, kPack, false>(p, *ctx.stream);
  return launch_image_patches<X, Out, 1, false>(p, *ctx.stream);
}

Status run(const ImagePatchesParams& p, ExecContext& ctx) {
  return with_dtype(p.out.dtype, [&]<class Out>(Out) -> Status {
    return p.x.dtype == DType::f32 ? run<float, Out>(p, ctx) : run<Out, Out>(p, ctx);
  });
}

}  // namespace

const Op<ImagePatchesParams> image_patches = {supports, run};

}  // namespace skipscan::cuda
