// What the sanitizers must be told of fibers; nothing at all where the emulator is compiled without them.
#pragma once
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define SIMT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ASAN 1
#elif __has_feature(thread_sanitizer)
#define SIMT_TSAN 1
#endif
#endif

#if defined(SIMT_ASAN) || defined(SIMT_TSAN)
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SIMT_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* tag);
void __tsan_release(void* tag);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}
#define SIMT_NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define SIMT_NO_TSAN
#endif

namespace simt {

#if defined(SIMT_ASAN) || defined(SIMT_TSAN)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// What happened before release(tag) is over for whoever calls acquire(tag) afterwards.
inline void acquire([[maybe_unused]] void* tag) {
#ifdef SIMT_TSAN
  __tsan_acquire(tag);
#endif
}
inline void release([[maybe_unused]] void* tag) {
#ifdef SIMT_TSAN
  __tsan_release(tag);
#endif
}

// The emulator's own accesses are no races between CUDA threads.
struct IgnoreRaces {
  IgnoreRaces() {
#ifdef SIMT_TSAN
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
#endif
  }
  ~IgnoreRaces() {
#ifdef SIMT_TSAN
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
  }
  IgnoreRaces(const IgnoreRaces&) = delete;
  IgnoreRaces& operator=(const IgnoreRaces&) = delete;
};

}  // namespace simt
