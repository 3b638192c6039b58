// The selective scan of Mamba-1 and its gradient for training on one CPU thread; scan.py says what it computes.
// Vectors run along the channels: the state of an image is [states, channels], and A comes transposed to match.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

struct Shape {
  std::size_t images, steps, channels, states;
};

// Row pointers never overlap; without the promise the compiler does not vectorise.
using In = const float* __restrict;
using Out = float* __restrict;

// One step of one image: the state after the step goes to `next`, its decay exp(gap dt A) to `decay`.
void advance(const Shape& s, float gap, In u, In dt, In A, In B, In state, Out decay, Out next) {
  for (std::size_t n = 0; n < s.states; ++n) {
    const std::size_t row = n * s.channels;
    const float b = B[n];
    for (std::size_t c = 0; c < s.channels; ++c) {
      decay[row + c] = std::exp(gap * dt[c] * A[row + c]);
      next[row + c] = decay[row + c] * state[row + c] + dt[c] * u[c] * b;
    }
  }
}

struct Sums {
  float dB = 0, dC = 0;  // over the channels
};

// The step back through one state: `gradient`, of the state after the step, becomes that of the state before it.
Sums retreat(std::size_t channels, float gap, float b, float c_n, In u, In dt, In dy, In A, In before, In after, In decay,
             Out gradient, Out du, Out ddt, Out dA) {
  Sums sums;
  for (std::size_t c = 0; c < channels; ++c) {
    const float g = gradient[c] + dy[c] * c_n;
    const float dlog = gap * g * before[c] * decay[c];  // of dt A
    sums.dC += dy[c] * after[c];
    sums.dB += g * dt[c] * u[c];
    ddt[c] += dlog * A[c] + g * u[c] * b;
    du[c] += g * dt[c] * b;
    dA[c] += dlog * dt[c];
    gradient[c] = g * decay[c];
  }
  return sums;
}

}  // namespace

// u, dt, y [images, steps, channels]; A [states, channels]; B, C [images, steps, states]; gap [images, steps]. y starts at
// zero.
extern "C" void scan_forward(const Shape* shape, const float* gap, const float* u, const float* dt, const float* A,
                             const float* B, const float* C, float* y) {
  const Shape& s = *shape;
  std::vector<float> state(s.states * s.channels), next(state.size()), decay(state.size());
  for (std::size_t image = 0; image < s.images; ++image) {
    std::fill(state.begin(), state.end(), 0.0f);
    for (std::size_t t = 0; t < s.steps;
         ++t, ++gap, u += s.channels, dt += s.channels, y += s.channels, B += s.states, C += s.states) {
      advance(s, *gap, u, dt, A, B, state.data(), decay.data(), next.data());
      std::swap(state, next);
      for (std::size_t n = 0; n < s.states; ++n) {
        for (std::size_t c = 0; c < s.channels; ++c) y[c] += C[n] * state[n * s.channels + c];
      }
    }
  }
}

// Gradients of the above for dy, added to du, ddt, dA, dB and dC; each has its input's shape and starts at zero.
extern "C" void scan_backward(const Shape* shape, const float* gap, const float* u, const float* dt, const float* A,
                              const float* B, const float* C, const float* dy, float* du, float* ddt, float* dA,
                              float* dB, float* dC) {
  const Shape& s = *shape;
  const std::size_t size = s.states * s.channels;
  // Row t of `states` is the state before step t; an image's states are computed again, not kept from the forward pass.
  std::vector<float> states((s.steps + 1) * size), decays(s.steps * size), gradient(size);
  for (std::size_t image = 0; image < s.images; ++image) {
    const std::size_t wide = image * s.steps * s.channels, narrow = image * s.steps * s.states;
    for (std::size_t t = 0; t < s.steps; ++t) {
      advance(s, gap[image * s.steps + t], u + wide + t * s.channels, dt + wide + t * s.channels, A,
              B + narrow + t * s.states, &states[t * size], &decays[t * size], &states[(t + 1) * size]);
    }
    std::fill(gradient.begin(), gradient.end(), 0.0f);  // of the state after step t
    for (std::size_t t = s.steps; t-- > 0;) {
      const std::size_t x = wide + t * s.channels;
      for (std::size_t n = 0; n < s.states; ++n) {
        const std::size_t p = narrow + t * s.states + n, row = n * s.channels;
        const float* before = &states[t * size + row];
        const Sums sums = retreat(s.channels, gap[image * s.steps + t], B[p], C[p], u + x, dt + x, dy + x, A + row,
                                  before, before + size, &decays[t * size + row], &gradient[row], du + x, ddt + x,
                                  dA + row);
        dB[p] += sums.dB;
        dC[p] += sums.dC;
      }
    }
  }
}
