#include "core/buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace skipscan {
namespace {

constexpr size_t kPagesFrom = size_t(256) << 10;
constexpr size_t kHugePage = size_t(2) << 20;

// Pages from an address that is a multiple of `alignment` on.
void* map(size_t bytes, size_t alignment) {
  const size_t spare = alignment - 1;
  void* const mapped = mmap(nullptr, bytes + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  if (spare == 0) return mapped;
  const auto from = reinterpret_cast<uintptr_t>(mapped), to = (from + spare) / alignment * alignment;
  const size_t page = size_t(sysconf(_SC_PAGESIZE)), end = (to + bytes + page - 1) / page * page;
  if (to > from) munmap(mapped, to - from);
  if (from + bytes + spare > end) munmap(reinterpret_cast<void*>(end), from + bytes + spare - end);
  return reinterpret_cast<void*>(to);
}

}  // namespace

Buffer::Buffer(size_t bytes) : bytes_(align_up(bytes)) {
  if (bytes_ == 0) return;
  if (bytes_ < kPagesFrom) {
    data_ = std::aligned_alloc(kAlignment, bytes_);
    if (!data_) throw std::bad_alloc();
    std::memset(data_, 0, bytes_);
    return;
  }
  const bool huge = bytes_ >= 4 * kHugePage;
  data_ = map(bytes_, huge ? kHugePage : 1);
#ifdef MADV_HUGEPAGE
  if (huge) madvise(data_, bytes_, MADV_HUGEPAGE);
#endif
}

Buffer::~Buffer() {
  if (bytes_ < kPagesFrom)
    std::free(data_);
  else
    munmap(data_, bytes_);
}

}  // namespace skipscan
