// The forms of Mamba-2's scan, and when each is chosen. Sequences may differ in length: what holds for all of them decides.
#include <algorithm>
#include <optional>
#include <type_traits>

#include "core/arena.h"
#include "cuda/ssd_scan_carry.cuh"
#include "cuda/ssd_scan_chunked.cuh"
#include "cuda/ssd_scan_recurrent.cuh"
#include "cuda/ssd_scan_step.cuh"
#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

// Cuts sequences until there are about `wanted` blocks, into segments of some tiles.
SsdSegments cut(const SsdScanParams& p, int64_t blocks, int64_t wanted, int64_t tile, int64_t fewest_tiles) {
  const int64_t tiles = div_up(std::max(p.path.longest, 1), tile);
  const int64_t most = std::max<int64_t>(tiles / fewest_tiles, 1);
  const int64_t count = std::clamp<int64_t>(wanted / std::max<int64_t>(blocks, 1), 1, most);
  const int64_t tiles_of_segment = div_up(tiles, count);
  return {.count = int32_t(div_up(tiles, tiles_of_segment)), .steps = int32_t(tiles_of_segment * tile)};
}

constexpr int kFewestChunked = 32;  // steps of the longest sequence; the recurrence of fewer is over sooner

// Scratch memory of a run.
struct Scratch {
  SsdSegments segments;
  float* states = nullptr;  // of sequences, where nobody wants them
  float* sums = nullptr;    // (parts, steps)
  size_t bytes = 0;

  Scratch(Arena arena, const SsdScanParams& p, SsdSegments cut, int64_t parts, bool keeps_states) : segments(cut) {
    const int64_t of_sequence = int64_t(p.heads) * p.head_dim * p.d_state;
    if (cut.count > 1) {
      segments.states = arena.take<float>(p.path.sequences * cut.count * of_sequence);
      segments.decays = arena.take<float>(int64_t(p.path.sequences) * cut.count * p.heads);
    }
    if (keeps_states) states = arena.take<float>(p.path.sequences * of_sequence);
    if (p.importance) sums = arena.take<float>(parts * p.path.steps);
    bytes = arena.used();
  }
};

// Parts of the sums that scores are made of, where an output's channels are in `parts` of them.
int64_t parts_of_scores(const SsdScanParams& p, int64_t parts) {
  return p.metric == ImportanceMetric::delta ? p.heads : p.heads * parts;
}

template <class T>
Status run_step(const SsdScanParams& p, ExecContext& ctx) {
  ctx.route = p.path.longest <= 1 ? "cuda/step" : "cuda/recurrent";
  const bool packs = p.d_state % 4 == 0 && (!p.state_in || aligned(p.state_in, 0, 16)) &&
                     (!p.state_out || aligned(p.state_out, 0, 16)) && aligned(p.B, p.B_stride, 4 * sizeof(T)) &&
                     aligned(p.C, p.C_stride, 4 * sizeof(T));
  const SsdStepLayout layout(p, packs ? 4 : 1);
  const int64_t parts = parts_of_scores(p, layout.parts);
  const bool keeps_states = !p.state_out && p.path.longest > 1;
  void* memory = nullptr;
  SKIPSCAN_TRY(ctx.stream->scratch(Scratch(Arena(), p, {}, parts, keeps_states).bytes, &memory));
  const Scratch scratch(Arena(memory), p, {}, parts, keeps_states);

  const int64_t warps = int64_t(p.path.sequences) * p.heads * layout.parts;
  SKIPSCAN_TRY(launch(*ctx.stream, packs ? ssd_step<T, 4> : ssd_step<T, 1>, dim3(unsigned(div_up(warps, kStepWarps))),
                      dim3(kStepWarps * kWarp), 0, p, layout, keeps_states ? scratch.states : p.state_out,
                      scratch.sums));
  return p.importance ? launch_ssd_scores(p, scratch.sums, int(parts), *ctx.stream) : Status();
}

// Queues what every form does in segments: `states`, then the carry, then `outputs`, and scores.
template <class Launch>
Status run_segments(const SsdScanParams& p, ExecContext& ctx, const SsdSegments& segments, int64_t parts,
                    const Launch& launch_walk) {
  void* memory = nullptr;
  SKIPSCAN_TRY(ctx.stream->scratch(Scratch(Arena(), p, segments, parts, false).bytes, &memory));
  const Scratch scratch(Arena(memory), p, segments, parts, false);
  if (segments.count > 1) {
    SKIPSCAN_TRY(launch_walk(std::false_type(), scratch));
    SKIPSCAN_TRY(launch_ssd_carry(p, scratch.segments, *ctx.stream));
  }
  SKIPSCAN_TRY(launch_walk(std::true_type(), scratch));
  return p.importance ? launch_ssd_scores(p, scratch.sums, int(parts), *ctx.stream) : Status();
}

template <class T, int kLanes>
Status run_recurrent(const SsdScanParams& p, ExecContext& ctx) {
  ctx.route = "cuda/recurrent";
  constexpr int kOfWarp = kWarp / kLanes * kRecurrentChannels, kBlocksOfProcessor = 4;
  const int64_t warps = std::min<int64_t>(div_up(p.head_dim, kOfWarp), kRecurrentThreads / kWarp);
  const int64_t parts = div_up(p.head_dim, kOfWarp * warps);
  const int64_t blocks = int64_t(p.path.sequences) * p.heads * parts;
  const int64_t wanted = int64_t(ctx.stream->limits().multiprocessors) * kBlocksOfProcessor;
  const SsdSegments segments = cut(p, blocks, wanted, kRecurrentTile, 16);
  return run_segments(p, ctx, segments, parts_of_scores(p, parts), [&](auto outputs, const Scratch& scratch) {
    return launch(*ctx.stream, ssd_recurrent<T, kLanes, outputs.value>, dim3(unsigned(blocks * segments.count)),
                  dim3(unsigned(warps * kWarp)), 0, p, scratch.segments, int(parts), scratch.sums);
  });
}

// Whether the chunked form can take tensors like these, and no time runs backwards: it works with the logarithm of dt.
bool takes_chunks(const SsdScanParams& p, const DeviceLimits& limits, size_t shared) {
  const bool small = std::max({p.x_stride, p.B_stride, p.C_stride}) < (1 << 29);
  return limits.capability >= 80 && shared <= limits.shared_bytes && p.dt_min >= 0 && small &&
         aligned(p.x, p.x_stride, 16) && aligned(p.B, p.B_stride, 16) && aligned(p.C, p.C_stride, 16) &&
         aligned(p.y, p.y_stride, 16) && (!p.z || aligned(p.z, p.z_stride, 4)) &&
         (!p.state_in || aligned(p.state_in, 0, 8)) && (!p.state_out || aligned(p.state_out, 0, 8));
}

// Nothing where the recurrence has to do it.
template <class T, int kStates>
std::optional<Status> run_chunked(const SsdScanParams& p, ExecContext& ctx) {
  constexpr int kOfBlock = kChannelsOfBlock<kStates>, kBlocksOfProcessor = 2;
  const DeviceLimits& limits = ctx.stream->limits();
  SsdChunkLayout layout;
  if (!SsdChunkLayout::make<kStates>(p, &layout)) return {};
  // Two blocks on a processor hide more than a second stage does. What a processor has is 1 KB more than a block can have, and
  // 1 KB of it goes to every block.
  if (2 * layout.bytes(kStates, kOfBlock, true) + 1024 > limits.shared_bytes) layout.stages = 1;
  if (!takes_chunks(p, limits, layout.bytes(kStates, kOfBlock, true))) return {};

  ctx.route = "cuda/chunked";
  const int64_t blocks = int64_t(p.path.sequences) * p.groups * layout.blocks;
  const SsdSegments segments = cut(p, blocks, int64_t(limits.multiprocessors) * kBlocksOfProcessor, kChunkSteps, 4);
  const int64_t parts = parts_of_scores(p, p.head_dim / kChannelsOfWarp<kStates>);
  return run_segments(p, ctx, segments, parts, [&](auto outputs, const Scratch& scratch) {
    return launch(*ctx.stream, ssd_chunked<T, kStates, outputs.value>, dim3(unsigned(blocks * segments.count)),
                  dim3(kChunkThreads), layout.bytes(kStates, kOfBlock, outputs.value), p, scratch.segments, layout,
                  scratch.sums);
  });
}

template <class T>
std::optional<Status> run_chunked(const SsdScanParams& p, ExecContext& ctx) {
  if constexpr (!std::is_same_v<T, float>) {  // its products would not be exact to float32
    if (p.path.longest < kFewestChunked) return {};
    if (p.d_state == 64) return run_chunked<T, 64>(p, ctx);
    if (p.d_state == 128) return run_chunked<T, 128>(p, ctx);
    if (p.d_state == 256) return run_chunked<T, 256>(p, ctx);
  }
  return {};
}

Support supports(const SsdScanParams& p) { return supports_one_dtype({p.x, p.dt, p.B, p.C, p.z, p.y}); }

Status run(const SsdScanParams& p, ExecContext& ctx) {
  return with_dtype(p.x.dtype, [&](auto of_type) {
    using T = decltype(of_type);
    if (p.path.longest <= 1 || p.d_state > 256) return run_step<T>(p, ctx);
    if (auto status = run_chunked<T>(p, ctx)) return std::move(*status);
    if (p.d_state <= 16) return run_recurrent<T, 2>(p, ctx);
    if (p.d_state <= 64) return run_recurrent<T, 8>(p, ctx);
    if (p.d_state <= 128) return run_recurrent<T, 16>(p, ctx);
    return run_recurrent<T, 32>(p, ctx);
  });
}

}  // namespace

const Op<SsdScanParams> ssd_scan = {supports, run};

}  // namespace skipscan::cuda
