#include "engine/block.h"

namespace skipscan {

BlockBuffers::BlockBuffers(Arena& arena, const ModelConfig& config, int64_t rows)
    : normed(arena.take<float>(rows * config.d_model)),
      projected(arena.take<float>(rows * config.in_proj_rows())),
      convolved(arena.take<float>(rows * config.conv_channels())),
      parameters(nullptr),
      delta(nullptr),
      mixed(nullptr) {
  if (config.family == Family::mamba) {
    parameters = arena.take<float>(rows * (config.dt_rank + 2LL * config.d_state));
    delta = arena.take<float>(rows * config.d_inner);
    mixed = convolved;  // the scan may write over its input
  } else {
    mixed = arena.take<float>(rows * config.d_inner);
  }
}

}  // namespace skipscan
