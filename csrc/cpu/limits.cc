#include "cpu/limits.h"

#include <algorithm>
#include <chrono>

#include "core/buffer.h"
#include "cpu/tables.h"

namespace skipscan::cpu {
namespace {

constexpr int kRounds = 5;                         // the best of them counts
constexpr int64_t kTasksPerThread = 8;             // so that a thread which wakes up late is not waited for
constexpr int64_t kMultiplyAdds = 500'000;         // rounds of a task: about a millisecond
constexpr int64_t kExponents = 1024;               // from and to stay in the first cache
constexpr int64_t kExponentials = 4'000;           // rounds of a task
constexpr int64_t kReadFloats = int64_t(1) << 26;  // more than most caches hold
constexpr int64_t kReadTask = int64_t(1) << 20;

const Probes& probes_of(const Backend& backend) {
#if defined(__x86_64__)
  if (&backend == &avx512::backend || &backend == &avx512::amx_backend) return avx512::probes;
  if (&backend == &avx2::backend) return avx2::probes;
#endif
  return portable::probes;
}

// How much of something the threads do in a second: `amount` in a task, body(task, worker).
template <class Body>
double best_rate(ThreadPool& pool, double amount, int64_t tasks, const Body& body) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    pool.parallel_for(tasks, body);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, amount * double(tasks) / seconds.count());
  }
  return best;
}

// Takes results, so that the compiler has to make them.
void keep(float value) { [[maybe_unused]] volatile float kept = value; }

}  // namespace

Limits measure_limits(const Backend& backend, int threads) {
  const Probes& probes = probes_of(backend);
  ThreadPool pool(threads);
  const int64_t tasks = kTasksPerThread * threads;
  Limits limits;
  limits.flops = best_rate(pool, double(kMultiplyAdds * probes.round_flops), tasks,
                           [&](int64_t, int) { keep(probes.multiply_adds(kMultiplyAdds)); });

  pool.reserve_scratch(2 * kExponents * sizeof(float));
  limits.exponentials = best_rate(pool, double(kExponentials * kExponents), tasks, [&](int64_t, int worker) {
    float *const from = pool.scratch<float>(worker), *const to = from + kExponents;
    for (int64_t i = 0; i < kExponents; ++i) from[i] = -float(i) / 64;
    for (int64_t round = 0; round < kExponentials; ++round) probes.exponentials(from, to, kExponents);
    keep(to[0]);
  });

  const Buffer memory(kReadFloats * sizeof(float));
  float* const values = memory.as<float>();
  const int64_t parts = kReadFloats / kReadTask;
  // Pages that nothing was written to may all be one.
  pool.parallel_for(parts, [&](int64_t part, int) { std::fill_n(values + part * kReadTask, kReadTask, 1.f); });
  limits.bytes = best_rate(pool, double(kReadTask * sizeof(float)), parts,
                           [&](int64_t part, int) { keep(probes.read(values + part * kReadTask, kReadTask)); });
  return limits;
}

}  // namespace skipscan::cpu
