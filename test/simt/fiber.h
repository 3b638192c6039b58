// A stack of its own on which a function runs, gives way, and goes on later.
#pragma once
#include <cstddef>

#include "simt/sanitizers.h"

// Elsewhere than on x86-64 stacks are switched by the C library; -DSIMT_UCONTEXT does so there too.
#if !(defined(__x86_64__) && defined(__linux__)) && !defined(SIMT_UCONTEXT)
#define SIMT_UCONTEXT
#endif
#ifdef SIMT_UCONTEXT
#include <ucontext.h>
#endif

namespace simt {

class Fiber {
 public:
  // Stands for the host's thread that makes it, to come back to.
  Fiber();
  // A fiber that calls `entry` when it is first switched to; `entry` never returns. Lives as long as the
  // process.
  explicit Fiber(void (*entry)());
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Called on this fiber: goes on with the other, and returns when somebody switches back.
  void switch_to(Fiber& next);

 private:
  static void start();

  void (*entry_)() = nullptr;
#ifdef SIMT_UCONTEXT
  ucontext_t here_;
#else
  void* here_ = nullptr;  // stack pointer
#endif
#ifdef SIMT_ASAN
  const void* stack_ = nullptr;  // the lowest address; of the host's thread it is learned when it is left
  size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
#endif
#ifdef SIMT_TSAN
  void* tsan_ = nullptr;
#endif
};

}  // namespace simt
