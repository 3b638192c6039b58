#include "simt/shared_memory.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include "simt/fault.h"
#include "simt/sanitizers.h"
#include "simt/settings.h"

namespace simt {
namespace {

constexpr std::align_val_t kAlignment{128};
constexpr size_t kStaticLimit = 48 << 10;               // without asking, and static shared memory cannot ask
constexpr size_t kGuardBytes = kSanitized ? 0 : 64;     // AddressSanitizer has its own
constexpr unsigned char kPoison = 0xff, kGuard = 0xa5;  // a guard unlike what is most often written

}  // namespace

void SharedMemory::begin(size_t dynamic_bytes) { add(this, dynamic_bytes); }

void SharedMemory::end() {
  for (const Variable& v : variables_) {
    if (!v.memory) continue;
    const unsigned char* guard = v.memory + v.bytes;
    if (std::any_of(guard, guard + kGuardBytes, [](unsigned char c) { return c != kGuard; })) {
      fail("this block has written past the end of " +
           std::string(v.declaration == this ? "its dynamic shared memory" : "a shared variable") + " of " +
           std::to_string(v.bytes) + " bytes");
    }
    ::operator delete(v.memory, kAlignment);
  }
  variables_.clear();
  bytes_ = 0;
}

void* SharedMemory::dynamic() { return variable(this, variables_[0].bytes); }

void* SharedMemory::variable(const void* declaration, size_t bytes) {
  for (const Variable& v : variables_) {
    if (v.declaration == declaration) return v.memory;
  }
  return add(declaration, bytes);
}

void* SharedMemory::add(const void* declaration, size_t bytes) {
  const size_t dynamic_bytes = variables_.empty() ? bytes : variables_[0].bytes;
  bytes_ += (bytes + 15) / 16 * 16;
  if (bytes_ > settings().shared_limit() || bytes_ - std::min(bytes_, (dynamic_bytes + 15) / 16 * 16) > kStaticLimit) {
    fail("a block needs " + std::to_string(bytes_) + " bytes of shared memory, " + std::to_string(dynamic_bytes) +
         " of them dynamic, but it can have " + std::to_string(settings().shared_limit()) + ", and no more than " +
         std::to_string(kStaticLimit) + " that are not dynamic");
  }
  unsigned char* memory = nullptr;
  if (bytes) {
    memory = static_cast<unsigned char*>(::operator new(bytes + kGuardBytes, kAlignment));
    std::memset(memory, kPoison, bytes);
    std::memset(memory + bytes, kGuard, kGuardBytes);
  }
  variables_.push_back({declaration, bytes, memory});
  return memory;
}

}  // namespace simt
