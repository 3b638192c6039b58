// Sharing out work among threads. (Own min and max: std:: templates could be merged with another file's, simd.h.)
#pragma once
#include "core/thread_pool.h"
#include "cpu/simd.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

constexpr int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Calls body(begin, end) for runs of rows, each some ten microseconds' worth of elementwise work, or less where that would leave
// threads without any.
template <class Body>
void parallel_rows(ThreadPool& pool, int64_t rows, int64_t row_size, const Body& body) {
  constexpr int64_t kMost = 32768, kLeast = 8192;  // elements of a task
  const int64_t share = max(ceil_div(rows, pool.threads()), ceil_div(kLeast, row_size));
  const int64_t rows_per_task = max(min(kMost / row_size, share), 1);
  pool.parallel_for(ceil_div(rows, rows_per_task),
                    [&](int64_t task, int) { body(task * rows_per_task, min((task + 1) * rows_per_task, rows)); });
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
