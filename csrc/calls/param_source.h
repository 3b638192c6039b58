// The params of one operator call as named values, wherever they come from: a JavaScript object, or a recorded case of the
// tests. Names are those of csrc/ops in camelCase; a path's fields are "path.index" and so on.
#pragma once
#include <stdexcept>
#include <string>

#include "core/dtype.h"
#include "ops/device.h"

namespace skipscan {

// A value that is missing, or not what the operator needs. What users pass was checked before, so this is a mistake of the
// code in between.
class ParamError : public std::runtime_error {
 public:
  ParamError(const std::string& name, const std::string& expected)
      : std::runtime_error("Expected " + expected + " for native argument " + name + ".") {}
};

// Elements where they are; they stay there until the call has ended.
struct ParamArray {
  void* data = nullptr;
  int64_t count = 0;
  DType dtype = DType::f32;        // bf16 for 16-bit elements of the host, whose dtype another param says
  const Device* device = nullptr;  // null: the host's memory
};

class ParamSource {
 public:
  virtual ~ParamSource() = default;
  virtual bool has(const std::string& name) const = 0;
  // These throw a ParamError when the value is missing or of another kind.
  virtual double number(const std::string& name) const = 0;
  virtual bool flag(const std::string& name) const = 0;  // false when missing
  virtual std::string text(const std::string& name) const = 0;
  virtual ParamArray array(const std::string& name) const = 0;
};

}  // namespace skipscan
