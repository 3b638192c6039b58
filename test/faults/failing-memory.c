// Loaded before node (LD_PRELOAD): fails allocations of the addon, whether it makes them itself or the C++ library for it, and the
// start of its threads. Nothing else of the process is touched. The file that SKIPSCAN_FAULTS names says which fail: four 64-bit
// numbers, which fail-allocations.mjs writes and reads.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct faults {
  int64_t armed;   // 0: nothing fails
  int64_t left;    // allocations before the first that fails
  int64_t goes_on; // 1: all after it fail too
  int64_t failed;  // how many have
};

static struct faults* faults;
struct range {
  uintptr_t begin, end;
};
static struct range addon, library;  // code of skipscan.node and of libstdc++

static void* raw_mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset) {
  return (void*)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}

__attribute__((constructor)) static void open_faults(void) {
  const char* path = getenv("SKIPSCAN_FAULTS");
  const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* memory = raw_mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) faults = memory;
  void* frame;
  backtrace(&frame, 1);  // the first call allocates
}

static int visit(struct dl_phdr_info* info, size_t size, void* data) {
  struct range* range = strstr(info->dlpi_name, "/skipscan.node") ? &addon
                        : strstr(info->dlpi_name, "/libstdc++.so") ? &library
                                                                    : NULL;
  for (int i = 0; range && i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)* header = &info->dlpi_phdr[i];
    if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
    range->begin = info->dlpi_addr + header->p_vaddr;
    range->end = range->begin + header->p_memsz;
  }
  return 0;
}

static int within(const struct range* range, const void* address) {
  return (uintptr_t)address >= range->begin && (uintptr_t)address < range->end;
}

// Whether the addon has called, perhaps through the C++ library.
static int is_addon(const void* caller) {
  if (!addon.end || !library.end) dl_iterate_phdr(visit, NULL);
  if (within(&addon, caller)) return 1;
  if (!within(&library, caller)) return 0;
  void* frames[24];
  const int count = backtrace(frames, 24);
  int i = 0;
  while (i < count && frames[i] != caller) ++i;
  while (i < count && within(&library, frames[i])) ++i;
  return i < count && within(&addon, frames[i]);
}

static int fails(const void* caller) {
  if (!faults || !__atomic_load_n(&faults->armed, __ATOMIC_RELAXED) || !is_addon(caller)) return 0;
  const int64_t before = __atomic_fetch_sub(&faults->left, 1, __ATOMIC_RELAXED);
  if (before > 0 || (before < 0 && !faults->goes_on)) return 0;
  __atomic_fetch_add(&faults->failed, 1, __ATOMIC_RELAXED);
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALLER __builtin_return_address(0)

extern void _ZSt17__throw_bad_allocv(void) __attribute__((noreturn));

// operator new
void* _Znwm(size_t bytes) {
  if (fails(CALLER)) _ZSt17__throw_bad_allocv();
  void* memory = malloc(bytes ? bytes : 1);
  if (!memory) _ZSt17__throw_bad_allocv();
  return memory;
}
void* _Znam(size_t bytes) {
  if (fails(CALLER)) _ZSt17__throw_bad_allocv();
  void* memory = malloc(bytes ? bytes : 1);
  if (!memory) _ZSt17__throw_bad_allocv();
  return memory;
}
void* _ZnwmRKSt9nothrow_t(size_t bytes, const void* tag) { return fails(CALLER) ? NULL : malloc(bytes ? bytes : 1); }
void* _ZnamRKSt9nothrow_t(size_t bytes, const void* tag) { return fails(CALLER) ? NULL : malloc(bytes ? bytes : 1); }

void* aligned_alloc(size_t alignment, size_t bytes) {
  if (fails(CALLER)) return NULL;
  static __typeof__(&aligned_alloc) next;
  if (!next) next = NEXT(aligned_alloc);
  return next(alignment, bytes);
}

void* mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset) {
  if (!fails(CALLER)) return raw_mmap(at, bytes, protection, flags, file, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

// std::thread
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  if (fails(CALLER)) return EAGAIN;
  static __typeof__(&pthread_create) next;
  if (!next) next = NEXT(pthread_create);
  return next(thread, attributes, start, argument);
}
