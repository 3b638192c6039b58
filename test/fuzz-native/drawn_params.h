// The params of an operator call made of a fuzzer's bytes: mostly what the operator asks for, with something wrong here and there.
#pragma once
#include <fuzzer/FuzzedDataProvider.h>

#include <map>
#include <memory>
#include <vector>

#include "calls/param_source.h"

namespace fuzz {

using Bytes = FuzzedDataProvider;

class DrawnParams final : public skipscan::ParamSource {
 public:
  // `bytes` goes on being read: a source may change its mind while it is read.
  explicit DrawnParams(Bytes& bytes);

  const std::string& op() const { return op_; }

  bool has(const std::string& name) const override;
  double number(const std::string& name) const override;
  bool flag(const std::string& name) const override;
  std::string text(const std::string& name) const override;
  skipscan::ParamArray array(const std::string& name) const override;

 private:
  // Memory that ends where the array does, so that the sanitizer sees the first element beyond it.
  struct Array {
    std::unique_ptr<std::byte[]> memory;
    int64_t count;
    skipscan::DType dtype;
  };
  using Ints = std::vector<int32_t>;

  int32_t size(const char* name);
  void draw_sizes(const std::string& names);
  void draw_arrays(const std::string& specification);
  int64_t product(const std::string& factors) const;
  void add(const std::string& name, int64_t count, skipscan::DType dtype);
  void add(const std::string& name, Ints values);
  Ints draw_offsets(int32_t most_rows);
  Ints below(int64_t count, int64_t limit, int32_t least = 0);
  void draw_path();
  void draw_packed(int32_t most_rows);
  void draw_grid();
  void draw_orders();
  void draw_selection();
  void spoil();

  Bytes& bytes_;
  std::string op_;
  std::map<std::string, double> numbers_;
  std::map<std::string, Array> arrays_;
  std::map<std::string, std::string> same_;  // an array that is another one's memory
};

}  // namespace fuzz
