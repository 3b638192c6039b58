"""Crops of the photographs that come with scikit-image and scikit-learn's sources: pictures that nobody drew.

Each photograph is cut into vertical stripes; crops of every other one are held out, so that no pixel is on both sides. A crop's
label is the photograph that it is from.
"""

from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

import preprocessing
from shapes import HELD_OUT

FILES = {
    "astronaut": "astronaut.png",
    "bricks": "brick.png",
    "cat": "chelsea.png",
    "clock": "clock_motion.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "galaxies": "hubble_deep_field.jpg",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "page": "page.png",
    "photographer": "camera.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
    "tissue": "ihc.png",
}
LABELS = sorted(FILES)
STRIPES = 6
SMALLEST = 56  # pixels of a photograph that a crop's side is at least


@cache
def photo(label):
    image = Image.open(Path(skimage.data.__file__).parent / FILES[label])
    return image.convert("L").convert("RGB")  # colours alone would tell most of them apart


def picture(which, seed, index):
    """(picture of SIDE x SIDE pixels, label) number `index` of a set of shapes.py; the labels take turns."""
    rng = np.random.default_rng((which, seed, index))
    label = index % len(LABELS)
    image = photo(LABELS[label])
    width = image.width / STRIPES
    stripe = 2 * rng.integers(STRIPES // 2) + (which == HELD_OUT)
    side = rng.uniform(min(SMALLEST, width), min(width, image.height))
    left = stripe * width + rng.uniform(0, width - side)
    top = rng.uniform(0, image.height - side)
    size = (preprocessing.SIDE, preprocessing.SIDE)
    return image.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)), label
