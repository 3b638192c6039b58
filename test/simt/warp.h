// Operations of a warp: lanes leave what they bring, and go on when the last of them has come.
#pragma once
#include "simt/grid.h"

namespace simt {

constexpr size_t kLargestDeposit = 256;

struct Collective {
  uint32_t mask = 0;     // the lanes that take part; 0 when nobody does
  uint32_t arrived = 0;  // those that have come
  int readers = 0;       // those that may still look at the deposits, once all have come
  size_t bytes = 0;
  Site site;
  alignas(16) unsigned char deposits[32 * kLargestDeposit];

  bool open() const { return mask && arrived != mask; }
};

// For a thread at the start and at the end of a block.
void forget_collectives(Warp& warp);
void check_exit(const Thread& thread);

}  // namespace simt
