"""Cuts the text that scripts/bench/reduction-quality.mjs measures on: 256 held-out windows of 448 bytes.

    python scripts/train/make_held_out.py

Needs npm and numpy. Half of the windows are from each source, evenly spaced over its held-out blocks. Each is inside one
document and repeats nothing of the training text: no 64 bytes of it occur there. (Addresses quote each other.)
"""

import argparse
from pathlib import Path

import numpy as np

import corpus

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 448
PER_SOURCE = 128
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


def windows(held_out, trained):
    """PER_SOURCE windows, evenly spaced among those that will do: list of bytes. `trained` is sorted."""

    def will_do(ids):
        hashes = passages(ids)
        nearest = trained[np.minimum(np.searchsorted(trained, hashes), len(trained) - 1)]
        return not (ids == corpus.END_OF_TEXT).any() and not (hashes == nearest).any()

    blocks = held_out.reshape(-1, BLOCK)[:, : BLOCK // WINDOW * WINDOW]  # none across two blocks
    good = [bytes(ids.astype(np.uint8)) for ids in blocks.reshape(-1, WINDOW) if will_do(ids)]
    return [good[i * len(good) // PER_SOURCE] for i in range(PER_SOURCE)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "scripts/bench/data/held-out.txt")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="where the packages are kept")
    args = parser.parse_args()

    text = corpus.load(args.scratch, None)
    trained = np.unique(np.concatenate([passages(training) for training, _ in text.values()]))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(b"".join(b"".join(windows(held_out, trained)) for _, held_out in text.values()))


if __name__ == "__main__":
    main()
