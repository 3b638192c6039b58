// Where the time of a device's operators goes, and what they had to do in it.
#pragma once
#include <chrono>
#include <cstdint>
#include <vector>

#include "core/status.h"
#include "ops/work.h"

namespace skipscan {

class Device;

class Profile {
 public:
  // All calls of one name, added up.
  struct Row {
    Work work;
    int64_t calls;
    double seconds;
  };

  explicit Profile(Device& device) : device_(device) {}

  const std::vector<Row>& rows() const { return rows_; }

  // Runs an operator. A device with a queue is waited for before and after.
  template <class Run>
  Status time(const Work& work, const Run& run) {
    SKIPSCAN_TRY(wait());
    const auto start = std::chrono::steady_clock::now();
    SKIPSCAN_TRY(run());
    SKIPSCAN_TRY(wait());
    add(work, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return {};
  }

 private:
  Status wait();
  void add(const Work& work, double seconds);

  Device& device_;
  std::vector<Row> rows_;  // in the order of their first calls
};

}  // namespace skipscan
