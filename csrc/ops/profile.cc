#include "ops/profile.h"

#include <algorithm>

#include "ops/device.h"

namespace skipscan {

Status Profile::wait() { return device_.wait(nullptr); }

void Profile::add(const Work& work, double seconds) {
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.work.name == work.name; });
  if (row == rows_.end()) {
    rows_.push_back({work, 1, seconds});
    return;
  }
  row->work.flops += work.flops;
  row->work.bytes += work.bytes;
  row->work.exponentials += work.exponentials;
  row->calls += 1;
  row->seconds += seconds;
}

}  // namespace skipscan
