// Reading ranges of a checkpoint file. Plain reads rather than a memory map: a file that another process cuts short while it
// is read gives an error here where a map would kill the process, and the pages never count as this process's memory.
#pragma once
#include <cstdint>
#include <string>

#include "core/status.h"

namespace skipscan {

class TensorFile {
 public:
  TensorFile() = default;
  ~TensorFile();
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  Status open(const std::string& path);
  // Reads exactly `bytes` bytes at `offset`.
  Status read(int64_t offset, int64_t bytes, void* out) const;

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace skipscan
