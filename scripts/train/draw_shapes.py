"""Writes held-out pictures of shapes as a tree that image classification is measured on.

    python scripts/train/draw_shapes.py FOLDER

FOLDER/<label>/<number>.png; with the same options and versions of numpy and Pillow the pixels are
always the same. The defaults give the pictures of the accuracy in models/tiny-vim/README.md.
"""

import argparse
from pathlib import Path

import shapes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the folders of the labels go")
    parser.add_argument("--pictures", type=int, default=shapes.HELD_OUT_PICTURES, help="in all, evenly over the labels")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    for label in shapes.LABELS:
        (options.folder / label).mkdir(parents=True, exist_ok=True)
    for index in range(options.pictures):
        picture, label = shapes.picture(shapes.HELD_OUT, options.seed, index)
        picture.save(options.folder / shapes.LABELS[label] / f"{index:05}.png")


if __name__ == "__main__":
    main()
