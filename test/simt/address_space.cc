#include "simt/address_space.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "simt/fault.h"
#include "simt/grid.h"
#include "simt/settings.h"

namespace simt {
namespace {

struct sigaction before_us[2];  // SIGSEGV, SIGBUS

// Says what happened and lets the access happen once more, for whoever handled the signal before.
void explain_crash(int signal, siginfo_t* info, void*) {
  const std::string kernel = describe_running();
  const ptrdiff_t offset = address_space().offset_of(info->si_addr);
  if (!kernel.empty()) {
    std::fprintf(stderr, "SIMT: illegal address %p%s\n  in %s\n", info->si_addr,
                 offset < 0 ? "" : ", device memory that is not allocated", kernel.c_str());
  } else if (offset >= 0) {
    std::fprintf(stderr, "SIMT: the host has accessed device memory at %p; copy it with cudaMemcpy\n", info->si_addr);
  }
  sigaction(SIGSEGV, &before_us[0], nullptr);
  sigaction(SIGBUS, &before_us[1], nullptr);
  static_cast<void>(signal);
}

void watch_for_crashes() {
  struct sigaction action = {};
  action.sa_sigaction = &explain_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &before_us[0]);
  sigaction(SIGBUS, &action, &before_us[1]);
}

}  // namespace

AddressSpace::AddressSpace(size_t bytes) : page_(size_t(sysconf(_SC_PAGESIZE))), bytes_(bytes) {
  if (kSanitized) return;
  void* range = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) fail("no room for " + std::to_string(bytes_) + " bytes of device memory; lower SIMT_MEMORY");
  base_ = static_cast<char*>(range);
  watch_for_crashes();
}

char* AddressSpace::take(size_t bytes) {
  if (kSanitized) {
    void* memory = nullptr;
    return posix_memalign(&memory, 256, std::max<size_t>(bytes, 1)) == 0 ? static_cast<char*>(memory) : nullptr;
  }
  const size_t length = whole_pages(bytes);
  char* gap = base_;
  for (const auto& [memory, other] : taken_) {
    if (size_t(memory - gap) >= length) break;
    gap = memory + other;
  }
  if (size_t(base_ + bytes_ - gap) < length) return nullptr;
  taken_[gap] = length;
  if (openings_) mprotect(gap, length, PROT_READ | PROT_WRITE);
  return gap;
}

void AddressSpace::give_back(char* memory) {
  if (kSanitized) {
    std::free(memory);
    return;
  }
  const auto found = taken_.find(memory);
  mprotect(memory, found->second, PROT_NONE);
  madvise(memory, found->second, MADV_DONTNEED);
  taken_.erase(found);
}

void AddressSpace::open() {
  if (!openings_++) protect(PROT_READ | PROT_WRITE);
}

void AddressSpace::close() {
  if (!--openings_) protect(PROT_NONE);
}

// One call for each run of allocations without a gap: there are few of them, and what has been freed stays
// closed.
void AddressSpace::protect(int access) {
  for (auto first = taken_.begin(); first != taken_.end();) {
    char* end = first->first;
    auto next = first;
    for (; next != taken_.end() && next->first == end; ++next) end += next->second;
    mprotect(first->first, size_t(end - first->first), access);
    first = next;
  }
}

ptrdiff_t AddressSpace::offset_of(const void* p) const {
  const ptrdiff_t offset = static_cast<const char*>(p) - base_;
  return offset >= 0 && size_t(offset) < bytes_ ? offset : -1;
}

AddressSpace& address_space() {
  // Whole pages for each allocation, of every device, and holes between them.
  constexpr size_t kSlack = size_t(1) << 30;
  static auto& space = *new AddressSpace(settings().memory * size_t(std::max(settings().devices, 1)) * 2 + kSlack);
  return space;
}

}  // namespace simt
