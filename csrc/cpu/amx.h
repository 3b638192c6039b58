// The matrix unit of newer x86 processors (AMX): eight tiles of 16 rows of 64 bytes. In assembly, as compilers want the tiles'
// numbers spelt out in intrinsics, and templates cannot do that.
#pragma once
#include "cpu/simd.h"

namespace skipscan::cpu::SKIPSCAN_ISA {

constexpr int64_t kTile = 16;         // rows of a tile
constexpr int64_t kTileBytes = 1024;  // 16 rows of 64
constexpr int64_t kTileRowBytes = 64;

// The tiles of a thread, all of full size. Where the thread goes on without them, nothing needs to save them.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int i = 0; i < 8; ++i) {
      config.row_bytes[i] = kTileRowBytes;
      config.rows[i] = kTile;
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

template <int tile>
inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(tile));
}
// Rows lie `stride` bytes apart.
template <int tile>
inline void load_tile(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(tile) : "memory");
}
template <int tile>
inline void store_tile(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(tile) : "memory");
}
// sums[i][j] += products of row i of a with pairs of bf16 j, 16 + j, ... of b.
template <int sums, int a, int b>
inline void multiply_bf16_tiles() {
  asm volatile("tdpbf16ps %%tmm%c0, %%tmm%c1, %%tmm%c2" : : "i"(b), "i"(a), "i"(sums));
}
// The same for quads of bytes, in whole numbers.
template <int sums, int a, int b>
inline void multiply_i8_tiles() {
  asm volatile("tdpbssd %%tmm%c0, %%tmm%c1, %%tmm%c2" : : "i"(b), "i"(a), "i"(sums));
}

}  // namespace skipscan::cpu::SKIPSCAN_ISA
