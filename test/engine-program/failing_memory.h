// Allocations that fail when they are told to: operator new in all its forms, and where the engine calls them aligned_alloc, mmap and
// the start of a thread. The linker puts them in (test/CMakeLists.txt); the engine knows nothing of it.
#pragma once

namespace engine_program {

// Which allocations fail: the one that comes after `first` others, or that and all that follow.
enum class Failing { once, from_then_on };

// Allocations fail while an object of this kind lives.
class FailingMemory {
 public:
  FailingMemory(long first, Failing failing);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  // Whether any has failed so far.
  static bool failed();
};

}  // namespace engine_program
