// How the system schedules threads that compute.
#pragma once
#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace skipscan {

// The calling thread gets the same share of the processors as others, but does not interrupt them when it wakes up: threads that
// answer at once, such as that of an event loop, come first. A system that does not know such threads leaves it as it is.
inline void become_compute_thread() {
#if defined(SCHED_BATCH)
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
#endif
}

}  // namespace skipscan
