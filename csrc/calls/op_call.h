// One call of an operator by its name.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "calls/op_reader.h"

namespace skipscan {

class OpCall {
 public:
  // Reads the params; throws a ParamError. `source` may go, but not the arrays it gave.
  OpCall(const std::string& name, const ParamSource& source, std::shared_ptr<Device> device);

  // Runs the operator and waits for it; `route` becomes the kernel that ran. One call at a time on a device.
  Status run(ThreadPool& pool, std::string* route) const;

 private:
  std::shared_ptr<Device> device_;
  std::shared_ptr<OpMemory> memory_;
  std::function<Status(ExecContext&)> run_;
};

}  // namespace skipscan
