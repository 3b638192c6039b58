#include "case_file.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace replay {
namespace {

constexpr size_t kAlignment = 64;

size_t size_of(const std::string& dtype) {
  if (dtype == "f64") return 8;
  return dtype == "bf16" || dtype == "f16" ? 2 : 4;
}

std::string rest_of(std::istringstream& line) {
  std::string text;
  std::getline(line >> std::ws, text);
  return text;
}

// The rest of a line, which must be all of it.
template <class... Values>
void read(std::istringstream& line, Values&... values) {
  ((line >> values), ...);
  if (!line) throw std::runtime_error("too few values");
}

void read_line(std::istringstream& line, Case& c) {
  std::string word, name;
  line >> word;
  if (word == "skipscan-case") {
    int version;
    read(line, version);
    if (version != 1) throw std::runtime_error("version " + std::to_string(version) + " instead of 1");
    return;
  }
  if (word == "why") {
    c.why = rest_of(line);
    return;
  }
  read(line, name);
  if (word == "op") {
    c.op = name;
  } else if (word == "dtype") {
    c.dtype = name;
  } else if (word == "number") {
    c.numbers[name] = std::strtod(rest_of(line).c_str(), nullptr);
  } else if (word == "flag") {
    c.flags[name] = rest_of(line) == "1";
  } else if (word == "text") {
    c.texts[name] = rest_of(line);
  } else if (word == "same") {
    read(line, c.same[name]);
  } else if (word == "array") {
    Array& a = c.arrays[name];
    read(line, a.dtype, a.count, a.offset);
  } else if (word == "expect") {
    Expectation e;
    e.name = name;
    read(line, e.dtype, e.count, e.values, e.fates, e.tolerance);
    c.expectations.push_back(e);
  } else {
    throw std::runtime_error("an unknown word, " + word);
  }
}

void check_ranges(const Case& c) {
  const auto check = [&](const std::string& name, size_t offset, int64_t count, size_t size) {
    if (count < 0 || offset > c.bytes.size() || size_t(count) > (c.bytes.size() - offset) / size) {
      throw std::runtime_error("the elements of " + name + " end beyond the file");
    }
  };
  for (const auto& [name, a] : c.arrays) check(name, a.offset, a.count, size_of(a.dtype));
  for (const Expectation& e : c.expectations) {
    check(e.name, e.values, e.count, size_of(e.dtype));
    check(e.name, e.fates, e.count, 1);
    const auto array = c.arrays.find(e.name);
    if (array == c.arrays.end() || array->second.count < e.count) throw std::runtime_error("no array " + e.name);
  }
}

}  // namespace

Case read_case(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be opened");
  Case c;
  std::string line;
  int number = 0;
  try {
    while (++number, std::getline(file, line) && !line.empty()) {
      std::istringstream words(line);
      read_line(words, c);
    }
    file.seekg((size_t(file.tellg()) + kAlignment - 1) / kAlignment * kAlignment);
    const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto* bytes = reinterpret_cast<const std::byte*>(content.data());
    c.bytes.assign(bytes, bytes + content.size());
    check_ranges(c);
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ", line " + std::to_string(number) + ": " + error.what());
  }
  return c;
}

}  // namespace replay
