#include "simt/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "simt/address_space.h"
#include "simt/fault.h"
#include "simt/grid.h"
#include "simt/settings.h"

namespace simt {
namespace {

constexpr size_t kGuardBytes = kSanitized ? 0 : 256;  // sanitizers have their own
constexpr unsigned char kPoison = 0xff, kGuard = 0xa5;

struct Allocation {
  size_t bytes;
  int device;
};
using Allocations = std::map<char*, Allocation>;

Allocations& on_devices() {
  static auto& allocations = *new Allocations;
  return allocations;
}
Allocations& pinned() {
  static auto& allocations = *new Allocations;
  return allocations;
}

Allocations::iterator find(Allocations& allocations, const void* p) {
  auto after = allocations.upper_bound(static_cast<char*>(const_cast<void*>(p)));
  if (after == allocations.begin()) return allocations.end();
  const auto found = std::prev(after);
  return p < found->first + found->second.bytes ? found : allocations.end();
}

bool lies_within(Allocations& allocations, const void* p, size_t bytes) {
  const auto found = find(allocations, p);
  return found != allocations.end() &&
         bytes <= size_t(found->first + found->second.bytes - static_cast<const char*>(p));
}

}  // namespace

void* allocate(size_t bytes, int device) {
  if (bytes > settings().memory || used_memory(device) + bytes > settings().memory) return nullptr;
  char* memory = address_space().take(bytes + kGuardBytes);
  if (!memory) return nullptr;
  DeviceAccess access;
  std::memset(memory, kPoison, bytes);
  std::memset(memory + bytes, kGuard, kGuardBytes);
  on_devices()[memory] = {bytes, device};
  return memory;
}

bool release_memory(void* memory) {
  const auto found = on_devices().find(static_cast<char*>(memory));
  if (found == on_devices().end()) return false;
  check_guards(nullptr);
  on_devices().erase(found);
  address_space().give_back(static_cast<char*>(memory));
  return true;
}

bool in_device_memory(const void* p) { return find(on_devices(), p) != on_devices().end(); }
bool in_device_memory(const void* p, size_t bytes) { return lies_within(on_devices(), p, bytes); }

size_t used_memory(int device) {
  size_t bytes = 0;
  for (const auto& [memory, allocation] : on_devices()) {
    if (allocation.device == device) bytes += allocation.bytes;
  }
  return bytes;
}

void check_guards(const void* kernel) {
  DeviceAccess access;
  for (const auto& [memory, allocation] : on_devices()) {
    const char* guard = memory + allocation.bytes;
    if (std::any_of(guard, guard + kGuardBytes, [](unsigned char c) { return c != kGuard; })) {
      fail("device memory was written past the end of an allocation of " + std::to_string(allocation.bytes) +
           " bytes; found " + (kernel ? "after " + describe_kernel(kernel) : "when it was freed"));
    }
  }
}

DeviceAccess::DeviceAccess() { address_space().open(); }
DeviceAccess::~DeviceAccess() { address_space().close(); }

void* allocate_pinned(size_t bytes) {
  auto* memory = static_cast<char*>(std::malloc(std::max<size_t>(bytes, 1)));
  if (memory) {
    std::memset(memory, kPoison, bytes);
    pinned()[memory] = {bytes, 0};
  }
  return memory;
}

bool release_pinned(void* memory) {
  if (!pinned().erase(static_cast<char*>(memory))) return false;
  std::free(memory);
  return true;
}

bool in_pinned_memory(const void* p, size_t bytes) { return lies_within(pinned(), p, bytes); }

}  // namespace simt
