#include "simt/grid.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

#include "simt/fault.h"
#include "simt/sanitizers.h"
#include "simt/settings.h"
#include "simt/shared_memory.h"
#include "simt/warp.h"

namespace simt {
namespace {

// The block that runs. There is one at a time: whoever runs work holds the machine's lock. Never destroyed,
// as its threads are not.
struct Block {
  const Launch* launch = nullptr;
  std::vector<Thread*> threads;  // kept from block to block, with their stacks
  std::vector<Warp> warps;
  SharedMemory shared;
  Thread* running = nullptr;
  Fiber* host = nullptr;
  Order order = Order::forward;
  unsigned size = 0;     // threads of this block
  unsigned inside = 0;   // those that have not left the kernel
  unsigned waiting = 0;  // those at the barrier
  Thread* first_waiting = nullptr;
  unsigned barriers = 0;  // passed
  std::mt19937_64 random;

  // What ThreadSanitizer learns order from: the start and the end of a launch, and every other barrier, so
  // that a thread that has run on to the next one is not taken to be in order with those that have yet to
  // leave this one.
  char started = 0, finished = 0, barrier[2] = {};
};
Block& block = *new Block;

// ---- on the fiber of a CUDA thread

// The lane that goes on when this one cannot: of those that can, the next one round about. Null when there is
// none, or when the host is to choose.
Thread* successor(const Thread& thread) {
  const uint32_t ready = thread.warp->ready, before = thread.bit() - 1;
  if (!ready || block.order == Order::random) return nullptr;
  const bool forward = block.order == Order::forward;
  const uint32_t preferred = ready & (forward ? ~before : before);
  const uint32_t among = preferred ? preferred : ready;
  return block.threads[thread.warp->first + unsigned(forward ? std::countr_zero(among) : 31 - std::countl_zero(among))];
}

void give_way() {
  Thread& thread = *block.running;
  block.running = successor(thread);
  if (block.running) threadIdx = block.running->index;
  thread.fiber.switch_to(block.running ? block.running->fiber : *block.host);
}

void leave_kernel() {
  IgnoreRaces ignore;
  Thread& thread = *block.running;
  if (block.waiting) {
    fail("a thread leaves the kernel, but others wait at a barrier: " + describe(*block.first_waiting));
  }
  check_exit(thread);
  --block.inside;
  thread.warp->ready &= ~thread.bit();
  thread.warp->exited |= thread.bit();
  give_way();
}

void thread_main() {
  for (;;) {
    acquire(&block.started);
    block.launch->body();
    release(&block.finished);
    leave_kernel();
  }
}

void check_barrier(const Site& site) {
  if (block.inside != block.size) {
    fail("a thread is at a barrier, but others have left the kernel, at " + describe(site));
  }
  if (!block.waiting) return;
  const Thread& other = *block.first_waiting;
  if (other.site.line() != site.line() || std::strcmp(other.site.file_name(), site.file_name()) != 0) {
    fail("threads of a block are at different barriers: this one at " + describe(site) + ", but " + describe(other));
  }
}

void open_barrier() {
  block.waiting = 0;
  ++block.barriers;
  for (unsigned i = 0; i < block.size; ++i) {
    block.threads[i]->warp->ready |= block.threads[i]->bit();
  }
}

// ---- on the host

uint3 unflatten(unsigned i, const dim3& extent) {
  return {i % extent.x, i / extent.x % extent.y, i / extent.x / extent.y};
}

void run_thread(const Warp& warp, unsigned lane) {
  block.running = block.threads[warp.first + lane];
  threadIdx = block.running->index;
  block.host->switch_to(block.running->fiber);
}

// Runs every warp as far as it gets; in random order only a turn of each lane, so that warps overtake one
// another. False when there was nothing to run.
bool run_warps(std::vector<unsigned>& sequence) {
  const bool random = block.order == Order::random;
  if (random) std::shuffle(sequence.begin(), sequence.end(), block.random);
  bool any = false;
  for (const unsigned w : sequence) {
    const Warp& warp = block.warps[w];
    any |= warp.ready != 0;
    const auto first = unsigned(random ? block.random() % 32 : block.order == Order::reverse ? 31 : 0);
    for (unsigned i = 0; i < 32 && warp.ready; ++i) {
      if (warp.ready >> (i ^ first) & 1) run_thread(warp, i ^ first);
    }
  }
  return any;
}

[[noreturn]] void fail_of_deadlock() {
  std::string waiting;
  int named = 0;
  for (unsigned i = 0; i < block.size && named < 4; ++i) {
    const Thread& thread = *block.threads[i];
    if (thread.warp->exited & thread.bit()) continue;
    if (i && block.threads[i - 1]->site.line() == thread.site.line()) continue;
    waiting += (named++ ? "; " : "") + describe(thread);
  }
  fail("deadlock, no thread can run: " + waiting);
}

void set_out(const dim3& extent) {
  block.size = block.inside = extent.x * extent.y * extent.z;
  block.waiting = 0;
  block.warps.resize(std::max<size_t>(block.warps.size(), (block.size + 31) / 32));
  for (unsigned i = unsigned(block.threads.size()); i < block.size; ++i) block.threads.push_back(new Thread);
  for (unsigned i = 0; i < block.size; ++i) {
    Thread& thread = *block.threads[i];
    thread.index = unflatten(i, extent);
    thread.lane = i % 32;
    thread.warp = &block.warps[i / 32];
    thread.result = nullptr;
  }
  for (unsigned w = 0; w * 32 < block.size; ++w) {
    Warp& warp = block.warps[w];
    warp.first = w * 32;
    const unsigned lanes = std::min(block.size - warp.first, 32u);
    warp.ready = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warp.exited = ~warp.ready;
    forget_collectives(warp);
  }
}

void run_block(const Launch& launch) {
  set_out(launch.block);
  block.shared.begin(launch.shared);
  std::vector<unsigned> sequence((block.size + 31) / 32);
  std::iota(sequence.begin(), sequence.end(), 0u);
  if (block.order == Order::reverse) std::reverse(sequence.begin(), sequence.end());
  while (block.inside) {
    if (!run_warps(sequence)) fail_of_deadlock();
  }
  block.shared.end();
}

void prepare() {
  block.order = settings().order;
  block.random.seed(settings().seed);
  explain_reports();
}

std::vector<unsigned> order_of_blocks(const dim3& grid) {
  std::vector<unsigned> blocks(size_t(grid.x) * grid.y * grid.z);
  std::iota(blocks.begin(), blocks.end(), 0u);
  if (block.order == Order::reverse) std::reverse(blocks.begin(), blocks.end());
  if (block.order == Order::random) std::shuffle(blocks.begin(), blocks.end(), block.random);
  return blocks;
}

}  // namespace

Thread::Thread() : fiber(&thread_main) {}

void run(const Launch& launch) {
  IgnoreRaces ignore;
  [[maybe_unused]] static const bool prepared = (prepare(), true);
  Fiber host;
  block.host = &host;
  block.launch = &launch;
  gridDim = launch.grid;
  blockDim = launch.block;
  release(&block.started);
  for (const unsigned i : order_of_blocks(launch.grid)) {
    blockIdx = unflatten(i, launch.grid);
    run_block(launch);
  }
  acquire(&block.finished);
  block.launch = nullptr;
}

Thread& running_thread() { return *block.running; }
Thread& thread_of(const Warp& warp, unsigned lane) { return *block.threads[warp.first + lane]; }

void wait(const Site& site) {
  Thread& thread = *block.running;
  thread.site = site;
  thread.warp->ready &= ~thread.bit();
  give_way();
}

void block_barrier(const Site& site) {
  IgnoreRaces ignore;
  check_barrier(site);
  char* const tag = &block.barrier[block.barriers % 2];
  release(tag);
  if (!block.waiting++) block.first_waiting = block.running;
  if (block.waiting == block.size) {
    open_barrier();
  } else {
    wait(site);
  }
  acquire(tag);
}

void memory_fence() {
  static char fence;
  release(&fence);
  acquire(&fence);
}

void* shared_variable(const void* declaration, size_t bytes) {
  IgnoreRaces ignore;
  return block.shared.variable(declaration, bytes);
}

void* dynamic_shared() {
  IgnoreRaces ignore;
  return block.shared.dynamic();
}

std::string describe(const uint3& at) {
  return "(" + std::to_string(at.x) + "," + std::to_string(at.y) + "," + std::to_string(at.z) + ")";
}

std::string describe(const Site& site) {
  return std::string(site.file_name()) + ":" + std::to_string(site.line()) + " in " + site.function_name();
}

std::string describe(const Thread& thread) {
  return "thread " + describe(thread.index) + ", which waits at " + describe(thread.site);
}

std::string describe_kernel(const void* function) {
  Dl_info info;
  if (!dladdr(function, &info) || !info.dli_sname) return "a kernel without a name";
  int status = 0;
  char* readable = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  const std::string name = std::string("kernel ") + (readable ? readable : info.dli_sname);
  std::free(readable);
  return name;
}

std::string describe_running() {
  if (!block.launch) return "";
  std::string text = describe_kernel(block.launch->kernel) + ", block " + describe(blockIdx);
  if (block.running) text += ", thread " + describe(block.running->index);
  return text;
}

}  // namespace simt
