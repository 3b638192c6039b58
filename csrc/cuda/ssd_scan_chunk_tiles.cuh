// How the chunked form of Mamba-2's scan shares out channels and shared memory, and its tiles there.
#pragma once
#include "cuda/mma.cuh"
#include "cuda/ssd_scan_chunk_times.cuh"

namespace skipscan::cuda {

constexpr int kChunkThreads = 128;

// Channels of a warp and of a block: as many as leave a warp's states room in its registers.
template <int kStates>
constexpr int kChannelsOfWarp = kStates <= 128 ? 32 : 16;
template <int kStates>
constexpr int kChannelsOfBlock = kChannelsOfWarp<kStates> * (kChunkThreads / kWarp);

// How blocks share out the heads of a group, and the shared memory that takes.
struct SsdChunkLayout {
  int heads;   // of a block
  int parts;   // blocks of a head, where it is wider than a block; else 1
  int blocks;  // of a group
  int stages;  // 2: the next chunk is copied while this one is computed; or 1

  size_t bytes(int states, int channels_of_block, bool outputs) const {
    const int elements = stages * (states + channels_of_block) + (outputs ? states + heads * kChunkSteps : 0);
    return size_t(elements) * kChunkSteps * 2 + size_t(2 * heads) * sizeof(ChunkTimes) + 4 * kChunkSteps * sizeof(int);
  }

  // False where blocks cannot be made of heads like these.
  template <int kStates>
  static bool make(const SsdScanParams& p, SsdChunkLayout* out) {
    constexpr int kOfWarp = kChannelsOfWarp<kStates>, kOfBlock = kChannelsOfBlock<kStates>;
    const int of_group = p.heads / p.groups;
    if (p.head_dim % kOfWarp != 0) return false;
    if (p.head_dim % kOfBlock == 0) {
      const int parts = p.head_dim / kOfBlock;
      *out = {.heads = 1, .parts = parts, .blocks = of_group * parts, .stages = 2};
      return true;
    }
    const int heads = kOfBlock / p.head_dim;
    if (kOfBlock % p.head_dim != 0) return false;
    *out = {.heads = heads, .parts = 1, .blocks = int(div_up(of_group, heads)), .stages = 2};
    return true;
  }
};

// A tile of rows of kColumns elements in shared memory. Its 16-byte pieces are permuted within each row, so that the same
// piece of 8 neighbouring rows lies in different banks.
template <class T, int kColumns>
struct Tile {
  static constexpr int kPieces = kColumns / 8;
  T* data;

  __device__ T* piece(int row, int i) const { return data + row * kColumns + (i ^ (row & 7)) * 8; }
  // The pair of elements that begins at an even column.
  __device__ unsigned& pair(int row, int column) const {
    return *reinterpret_cast<unsigned*>(piece(row, column / 8) + column % 8);
  }

  // Fragments (mma.cuh) of 16 x 16 elements, or of their transpose, by the whole warp: `a` as a left operand, `b` as two right
  // ones of 8 columns each, in b[0..1] and b[2..3]. Rows and columns are multiples of 16 of the tile as it lies here.
  __device__ void load_a(unsigned (&a)[4], int row, int column) const {
    ldmatrix_x4(a, fragment_row(row, column, lane_index() % 16, lane_index() / 16));
  }
  __device__ void load_a_trans(unsigned (&a)[4], int row, int column) const {
    ldmatrix_x4_trans(a, fragment_row(row, column, lane_index() / 16 * 8 + lane_index() % 8, lane_index() / 8 % 2));
  }
  // The operand is the transpose of what lies here.
  __device__ void load_b_trans(unsigned (&b)[4], int row, int column) const {
    ldmatrix_x4(b, fragment_row(row, column, lane_index() / 16 * 8 + lane_index() % 8, lane_index() / 8 % 2));
  }
  __device__ void load_b(unsigned (&b)[4], int row, int column) const {
    ldmatrix_x4_trans(b, fragment_row(row, column, lane_index() % 16, lane_index() / 16));
  }
  // Piece column / 8 + half of row + i, spelled so that what depends on the lane is the same for all columns: i and half do,
  // and only an exclusive or with a constant comes on top.
  __device__ const T* fragment_row(int row, int column, int i, int half) const {
    const int of_lane = (row + i) * kColumns + (half ^ (i & 7)) * 8;
    return data + (of_lane ^ (column & 48)) + (column & ~63);
  }

  // Copies rows that begin at `from`, `stride` elements apart, into the tile in the background; zeros from element `columns`
  // and from row `count` on. Every element of row_of names a row that exists. By all threads of the block.
  __device__ void copy(const T* from, int stride, int columns, const int* row_of, int count) const {
    constexpr int kCopies = kChunkSteps * kPieces / kChunkThreads, kApart = kChunkThreads / kPieces;
    static_assert(8 % kApart == 0 || kApart % 8 == 0);
    const int first = int(threadIdx.x) / kPieces, at = int(threadIdx.x) % kPieces;
    const bool wanted = at * 8 < columns;
    const char* const column = reinterpret_cast<const char*>(from + (wanted ? at * 8 : 0));
    const int bytes_apart = stride * int(sizeof(T));
    int rows[kCopies];
#pragma unroll
    for (int i = 0; i < kCopies; ++i) rows[i] = row_of[first + i * kApart];
#pragma unroll
    for (int i = 0; i < kCopies; ++i) {
      const bool inside = wanted && first + i * kApart < count;
      const int to = (at ^ (first & 7)) ^ (i * kApart & 7);  // piece `at` of that row
      cp_async_16(data + (first + i * kApart) * kColumns + to * 8, column + int64_t(rows[i]) * bytes_apart,
                  inside ? 16 : 0);
    }
  }
};

// d[0] += a b[0..1] and d[1] += a b[2..3].
template <class T>
__device__ inline void multiply_two(float (&d0)[4], float (&d1)[4], const unsigned (&a)[4], const unsigned (&b)[4]) {
  mma_m16n8k16<T>(d0, a, {b[0], b[1]});
  mma_m16n8k16<T>(d1, a, {b[2], b[3]});
}

template <class T>
__device__ inline void unpack_pair(unsigned pair, float& low, float& high) {
  low = widen(T{static_cast<unsigned short>(pair)});
  high = widen(T{static_cast<unsigned short>(pair >> 16)});
}

// Turns what the 4 lanes of a quad have of kTiles tiles, a pair of each, into pairs that are neighbours: lane t is left with
// kTiles pairs of tile t % kTiles, from pair t / kTiles * kTiles on.
template <int kTiles>
__device__ inline void transpose_quad(unsigned (&pairs)[kTiles], int t) {
  static_assert(kTiles == 2 || kTiles == 4);
#pragma unroll
  for (int distance = 1; distance < kTiles; distance *= 2) {
    const bool upper = t & distance;
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
      if (i & distance) continue;
      const unsigned got = __shfl_xor_sync(kAllLanes, upper ? pairs[i] : pairs[i + distance], distance);
      (upper ? pairs[i] : pairs[i + distance]) = got;
    }
  }
}

}  // namespace skipscan::cuda
