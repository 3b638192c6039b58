#include "simt/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "simt/fault.h"

#ifndef SIMT_UCONTEXT
// Saves what a function has to preserve on the stack, the stack pointer in *save, and takes another stack.
// Several times as fast as swapcontext(), which calls the kernel for the signal mask.
extern "C" void simt_switch(void** save, void* stack);
__asm__(R"(
  .text
  .globl simt_switch
  .hidden simt_switch
  .type simt_switch, @function
simt_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size simt_switch, .-simt_switch
)");
#endif

namespace simt {
namespace {

// Sanitizers put room round every variable.
constexpr size_t kStackBytes = kSanitized ? 256 << 10 : 128 << 10;

// From and to which the latest switch went.
Fiber *left = nullptr, *entered = nullptr;

// A stack above a page that nobody may touch, so that an overflow does not go unseen.
char* map_stack() {
  const size_t guard = size_t(sysconf(_SC_PAGESIZE));
  void* memory =
      mmap(nullptr, guard + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no memory for the stack of another CUDA thread");
  mprotect(memory, guard, PROT_NONE);
  return static_cast<char*>(memory) + guard;
}

// Stacks lie multiples of a page apart, where their tops, which is all that most threads use, would share the
// same few lines of the cache.
size_t stagger() {
  static size_t stacks = 0;
  return stacks++ % 12 * 320;
}

}  // namespace

Fiber::Fiber() {
#ifdef SIMT_TSAN
  tsan_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(void (*entry)()) : entry_(entry) {
  char* const stack = map_stack();
#ifdef SIMT_UCONTEXT
  getcontext(&here_);
  here_.uc_stack.ss_sp = stack;
  here_.uc_stack.ss_size = kStackBytes - stagger();
  here_.uc_link = nullptr;
  makecontext(&here_, &Fiber::start, 0);
#else
  // What simt_switch() expects to find: six registers and where to go; above it the return address that a
  // called function would have, so that the stack is aligned as the ABI asks.
  auto** top = reinterpret_cast<void**>(stack + kStackBytes - stagger());
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(&Fiber::start);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  here_ = top;
#endif
#ifdef SIMT_ASAN
  stack_ = stack;
  stack_bytes_ = kStackBytes;
#endif
#ifdef SIMT_TSAN
  tsan_ = __tsan_create_fiber(0);
#endif
}

SIMT_NO_TSAN void Fiber::start() {
  Fiber* const self = entered;
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &left->stack_, &left->stack_bytes_);
#endif
  self->entry_();
  std::abort();
}

SIMT_NO_TSAN void Fiber::switch_to(Fiber& next) {
  left = this;
  entered = &next;
#ifdef SIMT_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, next.stack_, next.stack_bytes_);
#endif
#ifdef SIMT_TSAN
  constexpr unsigned kWithoutSynchronising = 1;
  __tsan_switch_to_fiber(next.tsan_, kWithoutSynchronising);
#endif
#ifdef SIMT_UCONTEXT
  swapcontext(&here_, &next.here_);
#else
  simt_switch(&here_, next.here_);
#endif
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &left->stack_, &left->stack_bytes_);
#endif
}

}  // namespace simt
