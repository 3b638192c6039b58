#include "core/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace skipscan {
namespace {

constexpr size_t kPagesFrom = size_t(256) << 10;
constexpr size_t kHugePage = size_t(2) << 20;

}  // namespace

Buffer::Buffer(size_t bytes) : bytes_(align_up(bytes)) {
  if (bytes_ == 0) return;
  if (bytes_ < kPagesFrom) {
    data_ = std::aligned_alloc(kAlignment, bytes_);
    if (!data_) throw std::bad_alloc();
    std::memset(data_, 0, bytes_);
    return;
  }
  data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data_ == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (bytes_ >= 4 * kHugePage) madvise(data_, bytes_, MADV_HUGEPAGE);
#endif
}

Buffer::~Buffer() {
  if (bytes_ < kPagesFrom)
    std::free(data_);
  else
    munmap(data_, bytes_);
}

}  // namespace skipscan
