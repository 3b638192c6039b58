// Running a kernel: the blocks of a grid one after the other, the threads of a block in turns.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simt/fiber.h"
#include "simt/kernel.h"
#include "simt/launch.h"

namespace simt {

struct Collective;

struct Warp {
  unsigned first = 0;   // thread of lane 0
  uint32_t ready = 0;   // lanes that can run
  uint32_t exited = 0;  // lanes that have left the kernel, or that the block does not have
  std::vector<std::unique_ptr<Collective>> collectives;
};

struct Thread {
  Thread();

  Fiber fiber;
  uint3 index{};
  unsigned lane = 0;
  Warp* warp = nullptr;
  Collective* result = nullptr;  // of the thread's last warp operation
  Site site;                     // where it waits

  uint32_t bit() const { return 1u << lane; }
};

void run(const Launch& launch);

// What the scheduler and warp operations share; called on the fiber of a CUDA thread.
Thread& running_thread();
Thread& thread_of(const Warp& warp, unsigned lane);
void wait(const Site& site);  // until others make the lane ready

// For messages: "kernel.cuh:12 in void kernel(float*)", and for threads "thread (3,0,0), which waits at ...".
std::string describe(const uint3& at);
std::string describe(const Site& site);
std::string describe(const Thread& thread);
// "kernel <name>", as far as the process knows the names of its functions.
std::string describe_kernel(const void* kernel);
// "kernel <name>, block (1,0,0), thread (3,0,0)"; empty where no kernel runs.
std::string describe_running();

}  // namespace simt
