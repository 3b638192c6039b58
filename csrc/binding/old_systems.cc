// What lets an addon that was built on a new Linux load on an old one. The linker binds every function of the C and C++ libraries
// to the newest version that the building machine has, and some of these would be missing where Node.js itself still runs.
// The definitions here are hidden in the addon and stand in for them: each does the same by means that old libraries have.
// scripts/check-glibc.mjs says which function raises the need when one does.
#include <version>

#if defined(__linux__) && defined(__GLIBCXX__) && defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <new>

#define SKIPSCAN_STANDS_FOR(symbol) __asm__(symbol) __attribute__((visibility("hidden"), used))

namespace skipscan::binding {

// glibc 2.32: shared pointers count without atomic operations while it is set. A process of Node.js has threads anyway.
char single_threaded SKIPSCAN_STANDS_FOR("__libc_single_threaded") = 0;

// libstdc++ of GCC 11: std::allocator's word for a size that overflows.
[[noreturn]] void throw_bad_array_new_length() SKIPSCAN_STANDS_FOR("_ZSt28__throw_bad_array_new_lengthv");
void throw_bad_array_new_length() { throw std::bad_array_new_length(); }

// libstdc++ of GCC 12: std::condition_variable::wait that threads can be cancelled in.
void wait(std::condition_variable* self, std::unique_lock<std::mutex>& lock)
    SKIPSCAN_STANDS_FOR("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE");
void wait(std::condition_variable* self, std::unique_lock<std::mutex>& lock) {
  pthread_cond_wait(self->native_handle(), lock.mutex()->native_handle());
}

}  // namespace skipscan::binding

// A hidden function that jumps to the first version of the same function, which every glibc of the architecture has.
#if defined(__x86_64__)
#define SKIPSCAN_FIRST_VERSION "GLIBC_2.2.5"
#define SKIPSCAN_JUMP(target) "jmp *" target "@GOTPCREL(%rip)\n"
#define SKIPSCAN_LANDING "endbr64\n"
#else
#define SKIPSCAN_FIRST_VERSION "GLIBC_2.17"
#define SKIPSCAN_JUMP(target) "b " target "\n"
#define SKIPSCAN_LANDING "hint #34\n"
#endif
#define SKIPSCAN_FIRST(name) SKIPSCAN_AT(name, SKIPSCAN_FIRST_VERSION)
#define SKIPSCAN_AT(name, version)                                                                            \
  __asm__(                                                                                                    \
      ".pushsection .text\n"                                                                                  \
      ".symver first_" #name "," #name "@" version                                                            \
      "\n"                                                                                                    \
      ".globl " #name                                                                                         \
      "\n"                                                                                                    \
      ".hidden " #name                                                                                        \
      "\n"                                                                                                    \
      ".type " #name ",%function\n" #name ":\n" SKIPSCAN_LANDING SKIPSCAN_JUMP("first_" #name) ".size " #name \
                                                                                               ",.-" #name    \
                                                                                               "\n"           \
                                                                                               ".popsection\n");

// glibc 2.29: without the wrapper that sets errno by an old convention.
SKIPSCAN_FIRST(exp)
SKIPSCAN_FIRST(log)
SKIPSCAN_FIRST(pow)

// glibc 2.34 took these over from libdl, and what follows from libpthread and librt. Older ones have them in the first two, which
// Node.js loads.
SKIPSCAN_FIRST(dladdr)
SKIPSCAN_FIRST(dlopen)

#ifdef SKIPSCAN_CUDA
// What the CUDA runtime calls, and what looks for cuBLASLt. The last two may be missing: they serve memory that processes share,
// which nothing here asks for.
SKIPSCAN_FIRST(dlclose)
SKIPSCAN_FIRST(dlerror)
#if defined(__x86_64__)
SKIPSCAN_AT(dlmopen, "GLIBC_2.3.4")
#else
SKIPSCAN_FIRST(dlmopen)
#endif
SKIPSCAN_FIRST(dlsym)
SKIPSCAN_FIRST(dlvsym)
SKIPSCAN_FIRST(pthread_condattr_setpshared)
SKIPSCAN_FIRST(pthread_create)
SKIPSCAN_FIRST(pthread_detach)
SKIPSCAN_FIRST(pthread_getspecific)
SKIPSCAN_FIRST(pthread_join)
SKIPSCAN_FIRST(pthread_key_create)
SKIPSCAN_FIRST(pthread_key_delete)
SKIPSCAN_FIRST(pthread_kill)
SKIPSCAN_FIRST(pthread_mutex_trylock)
SKIPSCAN_FIRST(pthread_mutexattr_destroy)
SKIPSCAN_FIRST(pthread_mutexattr_init)
SKIPSCAN_FIRST(pthread_mutexattr_setpshared)
SKIPSCAN_FIRST(pthread_mutexattr_settype)
SKIPSCAN_FIRST(pthread_once)
SKIPSCAN_FIRST(pthread_rwlock_destroy)
SKIPSCAN_FIRST(pthread_rwlock_init)
SKIPSCAN_FIRST(pthread_rwlock_rdlock)
SKIPSCAN_FIRST(pthread_rwlock_timedrdlock)
SKIPSCAN_FIRST(pthread_rwlock_timedwrlock)
SKIPSCAN_FIRST(pthread_rwlock_tryrdlock)
SKIPSCAN_FIRST(pthread_rwlock_trywrlock)
SKIPSCAN_FIRST(pthread_rwlock_unlock)
SKIPSCAN_FIRST(pthread_rwlock_wrlock)
SKIPSCAN_FIRST(pthread_rwlockattr_destroy)
SKIPSCAN_FIRST(pthread_rwlockattr_init)
SKIPSCAN_FIRST(pthread_rwlockattr_setpshared)
SKIPSCAN_FIRST(pthread_setspecific)
SKIPSCAN_FIRST(pthread_spin_destroy)
SKIPSCAN_FIRST(pthread_spin_init)
SKIPSCAN_FIRST(pthread_spin_lock)
SKIPSCAN_FIRST(pthread_spin_trylock)
SKIPSCAN_FIRST(pthread_spin_unlock)
SKIPSCAN_FIRST(sem_destroy)
SKIPSCAN_FIRST(sem_init)
SKIPSCAN_FIRST(sem_post)
SKIPSCAN_FIRST(sem_timedwait)
SKIPSCAN_FIRST(sem_trywait)
SKIPSCAN_FIRST(sem_wait)
__asm__(".weak first_shm_open, first_shm_unlink");
SKIPSCAN_FIRST(shm_open)
SKIPSCAN_FIRST(shm_unlink)
#endif
#endif
