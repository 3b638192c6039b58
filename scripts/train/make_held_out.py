"""Cuts held-out text into the windows that reductions of the byte-level models are measured on.

    python scripts/train/make_held_out.py                                    # scripts/bench/data/held-out.txt
    python scripts/train/make_held_out.py --window 8256 --count 48 --out FILE  # longer ones; at most 65536 bytes

Needs npm and numpy. Half of the windows are from each source, evenly spaced over its held-out blocks. Windows of less than a
thousand bytes are inside one document and repeat nothing of the training text: no 64 bytes of it occur there. (Addresses quote
each other.) That asks too much of longer ones: only their last 512 bytes are like that, and documents are divided by a line.
"""

import argparse
from pathlib import Path

import numpy as np

import corpus

ROOT = Path(__file__).resolve().parents[2]
WHOLE = 1000  # bytes up to which a window must be new and of one document as a whole
END = 512  # bytes of a longer one that must be
BLOCK = 1 << 16  # of corpus.split()
REPEATED = 64  # a power of two


def passages(ids):
    """A 64-bit hash of every REPEATED consecutive ids."""
    hashes = ids.astype(np.uint64) + np.uint64(1)
    width = 1
    while width < REPEATED:  # hashes of twice the width from two neighbours
        hashes = hashes[:-width] * np.uint64(0x9E3779B97F4A7C15) + (hashes[width:] ^ hashes[width:] >> np.uint64(29))
        width *= 2
    return hashes


def windows(held_out, trained, size, count):
    """`count` windows of `size` bytes, evenly spaced among those that will do. `trained` is sorted."""

    def will_do(ids):
        end = ids if size < WHOLE else ids[-END:]
        hashes = passages(end)
        nearest = trained[np.minimum(np.searchsorted(trained, hashes), len(trained) - 1)]
        return not (end == corpus.END_OF_TEXT).any() and not (hashes == nearest).any()

    blocks = held_out[: len(held_out) // BLOCK * BLOCK].reshape(-1, BLOCK)[:, : BLOCK // size * size]  # none across two
    good = [ids for ids in blocks.reshape(-1, size) if will_do(ids)]
    if len(good) < count:
        raise SystemExit(
            f"Expected {count} windows of {size} bytes a source; found {len(good)}. Ask for fewer: --count."
        )
    chosen = [good[i * len(good) // count] for i in range(count)]
    return [bytes(np.where(ids == corpus.END_OF_TEXT, ord("\n"), ids).astype(np.uint8)) for ids in chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "scripts/bench/data/held-out.txt")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="where the packages are kept")
    parser.add_argument("--window", type=int, default=448, help="bytes of a window")
    parser.add_argument("--count", type=int, default=256, help="windows, half of them from each source")
    args = parser.parse_args()

    text = corpus.load(args.scratch, None)
    trained = np.unique(np.concatenate([passages(training) for training, _ in text.values()]))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cut = [windows(held_out, trained, args.window, args.count // 2) for _, held_out in text.values()]
    args.out.write_bytes(b"".join(window for source in cut for window in source))


if __name__ == "__main__":
    main()
