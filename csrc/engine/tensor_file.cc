#include "engine/tensor_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace skipscan {

TensorFile::~TensorFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status TensorFile::open(const std::string& path) {
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ >= 0) return {};
  return fail(Code::checkpoint, path + ": cannot be opened (" + std::strerror(errno) + ").");
}

Status TensorFile::read(int64_t offset, int64_t bytes, void* out) const {
  char* at = static_cast<char*>(out);
  for (int64_t done = 0; done < bytes;) {
    const ssize_t n = ::pread(fd_, at + done, size_t(bytes - done), offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Code::checkpoint, path_ + ": reading failed (" + std::strerror(errno) + ").");
    if (n == 0) {
      return fail(Code::checkpoint,
                  path_ + ": ends at byte " + std::to_string(offset + done) + ", expected " +
                      std::to_string(bytes - done) +
                      " bytes more. The file is truncated or was changed while it was read; get it again.");
    }
    done += n;
  }
  return {};
}

}  // namespace skipscan
