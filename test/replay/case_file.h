// A recorded case of an operator: test/helpers/op-cases/record.ts describes the format.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace replay {

struct Array {
  std::string dtype;  // f32, bf16, f16, i32, f64
  int64_t count = 0;
  size_t offset = 0;  // of its elements among the bytes of the case
};

struct Expectation {
  std::string name, dtype;  // f32 or i32
  int64_t count = 0;
  size_t values = 0, fates = 0;  // offsets
  double tolerance = 0;
};

// What may become of an element of an output.
enum Fate : uint8_t { kept, written, maybe, free_to_change };

struct Case {
  std::string op, why, dtype;
  std::map<std::string, double> numbers;
  std::map<std::string, bool> flags;
  std::map<std::string, std::string> texts;
  std::map<std::string, Array> arrays;
  std::map<std::string, std::string> same;  // a param that is another one's memory
  std::vector<Expectation> expectations;
  std::vector<std::byte> bytes;

  const void* at(size_t offset) const { return bytes.data() + offset; }
};

// Throws std::runtime_error naming the file and the line that is wrong.
Case read_case(const std::string& path);

}  // namespace replay
