// Device memory, and host memory that is page-locked. Callers hold the machine's lock.
#pragma once
#include <cstddef>

namespace simt {

// ---- device memory: filled with 0xFF, which is NaN as floats, and 256-byte aligned

// Null when the device has no more.
void* allocate(size_t bytes, int device);
// False when no allocation begins there.
bool release_memory(void* memory);
// Whether `p` points into an allocation, and whether all of [p, p + bytes) lies in one.
bool in_device_memory(const void* p);
bool in_device_memory(const void* p, size_t bytes);
size_t used_memory(int device);

// Fails when somebody has written past the end of an allocation: the kernel that has just run, or whoever ran
// when it is null.
void check_guards(const void* kernel);

// Device memory can be accessed only while one of these exists: a host that dereferences a device pointer
// crashes.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

// ---- page-locked memory

void* allocate_pinned(size_t bytes);
bool release_pinned(void* memory);
bool in_pinned_memory(const void* p, size_t bytes);

}  // namespace simt
