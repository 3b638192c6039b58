// A file in memory that is opened by its path, as a checkpoint is.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace fuzz {

class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("fuzzed", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
    if (fd_ < 0) std::abort();
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& path() const { return path_; }

  void write(const void* bytes, size_t count) {
    if (ftruncate(fd_, 0) != 0 || pwrite(fd_, bytes, count, 0) != ssize_t(count)) std::abort();
  }

 private:
  int fd_;
  std::string path_;
};

}  // namespace fuzz
