// Depthwise causal convolution along a scan path: a kernel that walks along it, and one that stands at the end of each
// sequence, for its state and for single steps.
// Floor in bytes for each channel: x and y of every step, once; the state of a sequence, 4 * width in and out.
#pragma once
#include "cuda/elements.cuh"
#include "cuda/path.cuh"
#include "ops/causal_conv.h"

namespace skipscan::cuda {

constexpr int kConvThreads = 64;

// The kPack channels of one thread, from channel c on. kTaps is the width, or kMaxConvWidth: then the width is any.
template <class T, int kTaps, int kPack>
struct ConvChannels {
  const CausalConvParams& p;
  int64_t c;
  float weights[kTaps][kPack], bias[kPack];  // weights by distance: the first one meets the current input
  float inputs[kTaps][kPack] = {};           // the window, by distance from a place on the line of a sequence

  __device__ ConvChannels(const CausalConvParams& p, int64_t c) : p(p), c(c) {
    set(bias, p.bias ? load_pack<float, kPack>(p.bias + c) : Pack<float, kPack>());
#pragma unroll
    for (int j = 0; j < kTaps; ++j) {
      if (j < width()) set(weights[j], load_pack<float, kPack>(p.weight + (width() - 1 - j) * p.channels + c));
    }
  }

  __device__ int width() const { return kTaps == kMaxConvWidth ? p.width : kTaps; }

  template <class Element>
  __device__ static void set(float (&to)[kPack], const Pack<Element, kPack>& from) {
#pragma unroll
    for (int i = 0; i < kPack; ++i) to[i] = from[i];
  }

  __device__ Pack<T, kPack> load_input(int32_t row) const {
    return load_pack<T, kPack>(static_cast<const T*>(p.x.data) + row * p.x_stride + c);
  }

  // Fills the window from distance `from` on, which is where step k lies: with steps of the path, with zeros where positions
  // were skipped, then with the state. k may be the step before the sequence's first.
  __device__ void look_back(int s, int k, int from) {
    const int begin = p.path.offsets[s];
    int distance = from;  // of step k; when no step is left, of the last row of the state
#pragma unroll
    for (int j = 0; j < kTaps; ++j) {
      if (j < from) continue;
      if (j < distance || j >= width()) {
        set(inputs[j], Pack<float, kPack>());
      } else if (k >= begin) {
        set(inputs[j], load_input(p.path.index[k]));
        const int gap = p.mode == ConvMode::aligned ? p.path.gap[k] : 1;
        distance += gap < kTaps ? gap : kTaps;  // as good as any longer one, and a sum that cannot overflow
        --k;
      } else {
        const int64_t row = int64_t(s + 1) * width() - 1 - (j - distance);
        set(inputs[j], p.state_in ? load_pack<float, kPack>(p.state_in + row * p.channels + c) : Pack<float, kPack>());
      }
    }
  }

  // To the next place. What the window's first row holds stays there too, until it is set.
  __device__ void advance() {
#pragma unroll
    for (int j = kTaps - 1; j > 0; --j) {
#pragma unroll
      for (int i = 0; i < kPack; ++i) inputs[j][i] = inputs[j - 1][i];
    }
  }
  __device__ void skip(int positions) {
    for (int n = positions < kTaps ? positions : kTaps; n > 0; --n) {
      set(inputs[0], Pack<float, kPack>());
      advance();
    }
  }

  __device__ void store_output(int32_t row) const {
    float y[kPack];
#pragma unroll
    for (int i = 0; i < kPack; ++i) {
      float total = bias[i];
#pragma unroll
      for (int j = kTaps - 1; j >= 0; --j) {
        if (j < width()) total = fmaf(weights[j][i], inputs[j][i], total);
      }
      y[i] = p.silu ? silu(total) : total;
    }
    store_pack<T, kPack>(static_cast<T*>(p.y.data) + row * p.y_stride + c, to_pack<T>(y));
  }

  __device__ void store_state(int s) const {
#pragma unroll
    for (int j = 0; j < kTaps; ++j) {
      if (j >= width()) continue;
      store_pack<float, kPack>(p.state_out + (int64_t(s + 1) * width() - 1 - j) * p.channels + c,
                               to_pack<float>(inputs[j]));
    }
  }
};

// Grid (runs of `run_length` steps, channels): each thread walks along a run, whatever sequences its steps belong to. No
// state is written: runs of the same sequence may yet have to read it.
template <class T, int kTaps, int kPack>
__global__ void __launch_bounds__(kConvThreads) conv_window_kernel(CausalConvParams p, int run_length) {
  const int64_t c = (int64_t(blockIdx.y) * kConvThreads + threadIdx.x) * kPack;
  if (c >= p.channels) return;
  ConvChannels<T, kTaps, kPack> channels(p, c);
  const int begin = int(blockIdx.x) * run_length;
  const int end = run_length < p.path.steps - begin ? begin + run_length : p.path.steps;
  constexpr int kBatch = 4;                                 // steps whose inputs are on their way at a time
  for (int k = begin, piece_end; k < end; k = piece_end) {  // the steps of one sequence
    const int s = sequence_of(p.path.offsets, p.path.sequences, k), sequence_end = p.path.offsets[s + 1];
    piece_end = end < sequence_end ? end : sequence_end;
    channels.look_back(s, k - 1, 1);
    for (; k < piece_end; k += kBatch) {
      int32_t rows[kBatch];
      Pack<T, kPack> x[kBatch];
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        if (k + i < piece_end) x[i] = channels.load_input(rows[i] = p.path.index[k + i]);
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        if (k + i >= piece_end) break;
        if (p.mode == ConvMode::aligned) channels.skip(p.path.gap[k + i] - 1);
        channels.set(channels.inputs[0], x[i]);
        channels.store_output(rows[i]);
        channels.advance();
      }
    }
  }
}

// Grid (sequences, channels): the state after the last step, and the output of that step where it is the only one. state_out
// may be state_in: each thread has read what it overwrites.
template <class T, int kTaps, int kPack>
__global__ void __launch_bounds__(kConvThreads) conv_end_kernel(CausalConvParams p, bool with_output) {
  const int64_t c = (int64_t(blockIdx.y) * kConvThreads + threadIdx.x) * kPack;
  if (c >= p.channels) return;
  const int s = int(blockIdx.x);
  const int last = p.path.offsets[s + 1] - 1;
  ConvChannels<T, kTaps, kPack> channels(p, c);
  channels.look_back(s, last, 0);
  if (with_output && last >= p.path.offsets[s]) channels.store_output(p.path.index[last]);
  if (p.state_out) channels.store_state(s);
}

template <class T, int kTaps, int kPack>
Status launch_conv(const CausalConvParams& p, bool single_steps, Stream& stream) {
  const int64_t packs = div_up(p.channels, kPack);
  const unsigned blocks = unsigned(div_up(packs, kConvThreads));
  if (!single_steps) {
    const int64_t wanted = int64_t(stream.limits().multiprocessors) * 1024;  // threads, to fill half of the device
    const int64_t share = p.path.steps * packs / wanted / 4 * 4;
    const int64_t run_length = share < 8 ? 8 : share > 64 ? 64 : share;
    const dim3 grid(unsigned(div_up(p.path.steps, run_length)), blocks);
    SKIPSCAN_TRY(launch(stream, conv_window_kernel<T, kTaps, kPack>, grid, dim3(kConvThreads), 0, p, run_length));
  }
  if (!single_steps && !p.state_out) return {};
  const dim3 grid(unsigned(p.path.sequences), blocks);
  return launch(stream, conv_end_kernel<T, kTaps, kPack>, grid, dim3(kConvThreads), 0, p, single_steps);
}

// kPack: 16 bytes of float32, which weights and state are.
template <class T>
Status launch_conv(const CausalConvParams& p, bool single_steps, Stream& stream) {
  constexpr int kPack = 4;
  const bool packed = p.channels % kPack == 0 && aligned(p.x, p.x_stride, kPack * sizeof(T)) &&
                      aligned(p.y, p.y_stride, kPack * sizeof(T)) && aligned(p.weight, p.channels, kPack * 4) &&
                      aligned(p.bias, p.channels, kPack * 4) && aligned(p.state_in, p.channels, kPack * 4) &&
                      aligned(p.state_out, p.channels, kPack * 4);
  if (p.width == 4 && packed) return launch_conv<T, 4, kPack>(p, single_steps, stream);  // the published width
  if (p.width == 4) return launch_conv<T, 4, 1>(p, single_steps, stream);
  return launch_conv<T, kMaxConvWidth, 1>(p, single_steps, stream);
}

}  // namespace skipscan::cuda
