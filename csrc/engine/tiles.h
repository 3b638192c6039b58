// Cutting packed sequences into tiles of rows that a block works on at once: small enough for the caches of a CPU, or for
// the memory of a GPU not to grow with the batch. A long sequence is cut at multiples of the tile size from its own start,
// so that its result does not depend on what it is packed with.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace skipscan {

struct Tile {
  int64_t row = 0, rows = 0;            // rows of the packed batch
  int32_t sequence = 0, sequences = 0;  // the first sequence with rows in this tile, and how many have some
  int32_t longest = 0;                  // rows of the one that has most here
  int64_t first_offset = 0;             // of its sequences + 1 values in Tiles::offsets
};

struct Tiles {
  std::vector<Tile> tiles;
  std::vector<int32_t> offsets;  // where in a tile its sequences begin, and where the last one ends; tile after tile

  // Where a tile may end. Sequences that are not cut may be longer than max_rows: each is then a tile of its own.
  enum class Cut : uint8_t { anywhere, between_sequences };

  Tiles() = default;
  Tiles(const std::vector<int32_t>& batch_offsets, int32_t max_rows, Cut cut = Cut::anywhere) {
    Tile tile;
    const auto close = [&] {
      if (tile.rows > 0) tiles.push_back(tile);
      tile = {};
    };
    for (size_t s = 0; s + 1 < batch_offsets.size(); ++s) {
      const int32_t end = batch_offsets[s + 1];
      for (int32_t row = batch_offsets[s], rows; row < end; row += rows) {
        rows = cut == Cut::anywhere ? std::min(max_rows, end - row) : end - row;
        if (tile.rows + rows > max_rows) close();
        if (tile.rows == 0) {
          tile = {.row = row, .sequence = int32_t(s), .first_offset = int64_t(offsets.size())};
          offsets.push_back(0);
        }
        tile.rows += rows;
        tile.sequences += 1;
        tile.longest = std::max(tile.longest, rows);
        offsets.push_back(int32_t(tile.rows));
      }
    }
    close();
  }

  // The most offsets that a batch can have: a sequence is in one tile, and in one more for each cut.
  static int64_t most_offsets(int64_t sequences, int64_t rows, int32_t max_rows) {
    return 2 * (sequences + rows / max_rows);
  }
};

}  // namespace skipscan
