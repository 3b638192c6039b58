// Cutting packed sequences into tiles of rows that a block works on at once: small enough for the caches, and for memory
// not to grow with the prompt. A long sequence is cut at multiples of the tile size from its own start, so that its result
// does not depend on what it is packed with.
#pragma once
#include <algorithm>
#include <vector>

#include "core/scan_path.h"

namespace skipscan {

struct Tile {
  int64_t row = 0, rows = 0;  // rows of the packed batch
  int64_t sequence = 0;       // the first sequence with rows in this tile
  ScanPath path;
};

// `gaps` are those of the rows' path.
inline std::vector<Tile> make_tiles(const std::vector<int32_t>& offsets, const std::vector<int32_t>& gaps,
                                    int32_t max_rows) {
  std::vector<Tile> tiles;
  std::vector<int32_t> lengths;  // of the tile being filled
  Tile tile;
  const auto close = [&] {
    if (lengths.empty()) return;
    tile.path = ScanPath::full(lengths);
    tile.path.gap.assign(gaps.begin() + tile.row, gaps.begin() + tile.row + tile.rows);
    tiles.push_back(std::move(tile));
    lengths.clear();
  };
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (int32_t row = offsets[s]; row < offsets[s + 1]; row += std::min(max_rows, offsets[s + 1] - row)) {
      const int32_t rows = std::min(max_rows, offsets[s + 1] - row);
      if (!lengths.empty() && tile.rows + rows > max_rows) close();
      if (lengths.empty()) tile = Tile{.row = row, .rows = 0, .sequence = int64_t(s), .path = {}};
      lengths.push_back(rows);
      tile.rows += rows;
    }
  }
  close();
  return tiles;
}

}  // namespace skipscan
