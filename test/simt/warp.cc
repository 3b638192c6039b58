#include "simt/warp.h"

#include <bit>
#include <cstdio>
#include <cstring>

#include "simt/fault.h"
#include "simt/sanitizers.h"

namespace simt {
namespace {

bool same_site(const Site& a, const Site& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

std::string hex(uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08x", mask);
  return text;
}

const Thread& first_waiting(const Warp& warp, const Collective& c) {
  return thread_of(warp, unsigned(std::countr_zero(c.arrived)));
}

void check_mask(const Thread& thread, uint32_t mask, const Site& site) {
  if (!(mask & thread.bit())) {
    fail("a lane is not in the mask " + hex(mask) + " of its own warp operation at " + describe(site));
  }
  if (mask & thread.warp->exited) {
    fail("the mask " + hex(mask) + " names lanes that have exited or do not exist, " + hex(thread.warp->exited) +
         ", at " + describe(site));
  }
}

bool same(const Collective& c, uint32_t mask, size_t bytes, const Site& site) {
  return c.mask == mask && c.bytes == bytes && same_site(c.site, site);
}

// Another operation may wait for this lane too: it comes to it later. But not if this one waits for lanes
// that are there.
void check_agreement(const Thread& thread, const Collective& c, uint32_t mask, const Site& site) {
  if (!c.open() || !(c.mask & thread.bit()) || !(c.arrived & mask)) return;
  if (!same_site(c.site, site)) {
    fail("lanes of a warp are at different warp operations: this one at " + describe(site) + ", but " +
         describe(first_waiting(*thread.warp, c)));
  }
  fail("lanes disagree on the mask: this one says " + hex(mask) + ", but " + hex(c.mask) + " says " +
       describe(first_waiting(*thread.warp, c)));
}

// Ends what the thread may still have looked at.
void let_go(Thread& thread) {
  if (thread.result && --thread.result->readers == 0) thread.result->mask = 0;
  thread.result = nullptr;
}

Collective& unused_collective(Warp& warp) {
  for (auto& c : warp.collectives) {
    if (!c->mask) return *c;
  }
  return *warp.collectives.emplace_back(std::make_unique<Collective>());
}

// The operation that the others of `mask` wait in, or a new one.
Collective& join(Thread& thread, uint32_t mask, size_t bytes, const Site& site) {
  Warp& warp = *thread.warp;
  for (auto& c : warp.collectives) {
    if (c->open() && same(*c, mask, bytes, site)) return *c;
  }
  for (auto& c : warp.collectives) check_agreement(thread, *c, mask, site);
  Collective& c = unused_collective(warp);
  c.mask = mask;
  c.arrived = 0;
  c.bytes = bytes;
  c.site = site;
  if (mask != 0xffffffffu) std::memset(c.deposits, 0xff, 32 * bytes);
  return c;
}

// With `synchronises`, what the lanes have written before is there for all of them afterwards.
Collective& gather(uint32_t mask, const void* mine, size_t bytes, const Site& site, bool synchronises) {
  Thread& thread = running_thread();
  if (bytes > kLargestDeposit) fail("a lane deposits more than 256 bytes at " + describe(site));
  check_mask(thread, mask, site);
  let_go(thread);
  Collective& c = join(thread, mask, bytes, site);
  if (bytes) std::memcpy(c.deposits + thread.lane * bytes, mine, bytes);
  if (synchronises) release(&c);
  c.arrived |= thread.bit();
  thread.result = &c;
  if (c.open()) {
    wait(site);
  } else {
    c.readers = std::popcount(mask);
    thread.warp->ready |= mask;
  }
  if (synchronises) acquire(&c);
  return c;
}

}  // namespace

const void* gather_warp(unsigned mask, const void* mine, size_t bytes, const Site& site) {
  IgnoreRaces ignore;
  return gather(mask, mine, bytes, site, false).deposits;
}

void warp_barrier(unsigned mask, const Site& site) {
  IgnoreRaces ignore;
  gather(mask, nullptr, 0, site, true);
}

void forget_collectives(Warp& warp) {
  for (auto& c : warp.collectives) c->mask = 0;
}

void check_exit(const Thread& thread) {
  for (const auto& c : thread.warp->collectives) {
    if (c->open() && (c->mask & thread.bit())) {
      fail("a lane leaves the kernel, but others wait for it: " + describe(first_waiting(*thread.warp, *c)));
    }
  }
}

}  // namespace simt
