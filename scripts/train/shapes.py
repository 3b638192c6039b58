"""Draws the pictures the small vision model is trained and measured on: one shape in clutter.

Lengths are in model pixels: the shorter side of a picture is SIDE of them, whatever its size on
disk, because the evaluation's preprocessing resizes that side to SIDE and cuts CROP out of the
middle. The shape lies inside that crop and covers a few patches of 8 x 8; strokes, specks and
irregular blobs surround and cross it.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from outlines import HOLES, OUTLINES, arc
from preprocessing import CROP, SIDE

LABELS = sorted(OUTLINES)
TRAINING, HELD_OUT, SAMPLES = range(3)  # which set a picture belongs to; part of its seed
HELD_OUT_PICTURES = 4096


@dataclass(frozen=True)
class Scene:
    """How hard pictures are; every value is drawn from the pair's range."""

    radius: tuple  # of the circle around the shape
    turn: float  # of the shape, radians either way
    shape: tuple  # levels of 255 of each colour channel
    clutter: tuple  # the same
    behind: tuple  # pieces of clutter under the shape
    before: tuple  # and over it
    grain: tuple  # standard deviation of the noise in levels of 255


EASY = Scene((9, 13), math.radians(25), (140, 256), (0, 200), (6, 13), (1, 4), (2, 18))
HARD = Scene((6, 11.5), math.radians(45), (120, 256), (0, 240), (8, 15), (2, 7), (4, 32))
BACKGROUND = 10, 120  # levels of 255 of each colour channel
WIDTH = 112, 177  # of a picture on disk, in its own pixels; the height is drawn alike


class Canvas:
    """A picture in progress; what is drawn on it is given in model pixels from its middle."""

    def __init__(self, rng, scene, width, height):
        self.rng = rng
        self.scene = scene
        self.scale = min(width, height) / SIDE
        self.half = np.array([width, height]) / self.scale / 2
        self.image = background(rng, width, height)

    def anywhere(self):
        return self.rng.uniform(-self.half, self.half)

    def pixels(self, points):
        """Model pixels (n, 2) in the picture's own pixels."""
        return (np.asarray(points) + self.half) * self.scale

    def fill(self, outline, colour, opacity=1.0, hole=None):
        points = self.pixels(outline)
        low = np.floor(points.min(axis=0))
        size = np.ceil(points.max(axis=0)) - low + 1
        mask = Image.new("L", tuple(size.astype(int).tolist()))
        pen = ImageDraw.Draw(mask)
        pen.polygon([tuple(point) for point in points - low], fill=round(255 * opacity))
        if hole is not None:
            pen.polygon([tuple(point) for point in self.pixels(hole) - low], fill=0)
        self.image.paste(colour, tuple(low.astype(int).tolist()), mask)

    def stroke(self, points, colour, width):
        corners = [tuple(point) for point in self.pixels(points)]
        ImageDraw.Draw(self.image).line(corners, fill=colour, width=max(1, round(width * self.scale)), joint="curve")


def background(rng, width, height):
    """A smooth random field of colours."""
    cells = rng.integers(2, 7)
    colours = rng.uniform(*BACKGROUND, 3) + rng.normal(0, rng.uniform(5, 25), (cells, cells, 3))
    coarse = Image.fromarray(colours.clip(0, 255).astype(np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def colour_of(rng, levels):
    return tuple(rng.integers(*levels, 3).tolist())


def add_clutter(canvas, count):
    """Draws `count` strokes, specks and see-through blobs anywhere."""
    rng, scene = canvas.rng, canvas.scene
    for _ in range(count):
        at, colour, kind = canvas.anywhere(), colour_of(rng, scene.clutter), rng.integers(3)
        if kind == 0:
            steps = rng.normal(0, 9, (rng.integers(2, 5), 2))
            canvas.stroke(at + steps.cumsum(axis=0), colour, rng.uniform(0.6, 1.8))
        elif kind == 1:
            canvas.fill(at + arc(rng.integers(3, 7), rng.uniform(1, 2.5)), colour)
        else:
            radii = rng.uniform(2, 9, rng.integers(5, 10))
            canvas.fill(at + arc(len(radii)) * radii[:, None], colour, rng.uniform(0.3, 0.9))


def add_shape(canvas, kind):
    """Draws the shape somewhere in the crop, slightly turned and stretched."""
    rng, scene = canvas.rng, canvas.scene
    radius = rng.uniform(*scene.radius)
    centre = rng.uniform(-1, 1, 2) * (CROP / 2 - 1.1 * radius)
    angle = rng.uniform(-scene.turn, scene.turn)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    placing = np.diag(radius * np.exp(rng.normal(0, 0.08, 2))) @ turn
    hole = centre + HOLES[kind] @ placing if kind in HOLES else None
    canvas.fill(centre + np.asarray(OUTLINES[kind]) @ placing, colour_of(rng, scene.shape), hole=hole)


def with_grain(rng, image, deviations):
    """Adds noise whose grain is one model pixel, so that resizing leaves it the same at any size."""
    scale = min(image.size) / SIDE
    columns, rows = (round(side / scale) for side in image.size)
    grain = rng.normal(0, rng.uniform(*deviations), (rows, columns)).astype(np.float32)
    grain = np.asarray(Image.fromarray(grain).resize(image.size, Image.Resampling.BILINEAR))
    return Image.fromarray((np.asarray(image) + grain[..., None]).clip(0, 255).astype(np.uint8))


def draw(rng, kind, width, height, scene=HARD):
    """An RGB picture of a shape of that kind; the numpy Generator decides the rest."""
    canvas = Canvas(rng, scene, width, height)
    add_clutter(canvas, rng.integers(*scene.behind))
    add_shape(canvas, kind)
    add_clutter(canvas, rng.integers(*scene.before))
    return with_grain(rng, canvas.image, scene.grain)


def picture(which, seed, index, scene=HARD):
    """(picture, label) number `index` of a set; the labels take turns, so whole rounds are balanced."""
    rng = np.random.default_rng((which, seed, index))
    label = index % len(LABELS)
    width, height = rng.integers(*WIDTH, 2).tolist()
    return draw(rng, LABELS[label], width, height, scene), label
