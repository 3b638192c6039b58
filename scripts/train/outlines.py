"""The kinds of shape the small vision model tells apart, as polygons around the origin.

Coordinates are (x to the right, y downwards); the corner furthest from the origin is at about 1.
"""

import math

import numpy as np


def arc(points, radius=1.0, start=0.0, end=2 * math.pi):
    """Points (points, 2) along a circle's arc; a whole circle does not repeat its first point."""
    angles = np.linspace(start, end, points, endpoint=end - start < 2 * math.pi)
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def crescent():
    outer, inner = arc(24, 1.0, 0.75, 2 * math.pi - 0.75), arc(24, 0.78, 1.05, 2 * math.pi - 1.05)
    return np.concatenate([outer, inner[::-1] + (0.35, 0.0)])


def drop():
    return np.concatenate([[(0.0, -1.15)], arc(28, 0.68, -0.55, math.pi + 0.55) + (0.0, 0.32)])


def heart():
    t = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -y - 2.5], axis=1) / 16


def star():
    radii = np.where(np.arange(10) % 2, 0.42, 1.0)
    return arc(10) * radii[:, None]


def mirrored(right):
    """A closed outline from its right half (n, 2), listed from the top down."""
    right = np.asarray(right)
    return np.concatenate([right, right[::-1] * (-1, 1)])


OUTLINES = {
    "arrow": [(-1, -0.25), (0.1, -0.25), (0.1, -0.75), (1, 0), (0.1, 0.75), (0.1, 0.25), (-1, 0.25)],
    "circle": arc(36, 0.9),
    "crescent": crescent(),
    "cross": mirrored([(0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3), (0.3, 1)]),
    "drop": drop(),
    "ell": [(-0.7, -0.95), (-0.15, -0.95), (-0.15, 0.4), (0.7, 0.4), (0.7, 0.95), (-0.7, 0.95)],
    "ellipse": arc(36) * (1.1, 0.58),
    "heart": heart(),
    "hourglass": mirrored([(0.75, -0.95), (0.14, 0), (0.75, 0.95)]),
    "rectangle": mirrored([(1, -0.45), (1, 0.45)]),
    "ring": arc(36, 0.95),
    "semicircle": arc(24, 1.05, 0, math.pi) - (0.0, 0.42),
    "square": arc(4),
    "star": star(),
    "tee": mirrored([(0.95, -0.85), (0.95, -0.3), (0.28, -0.3), (0.28, 0.9)]),
    "triangle": arc(3),
}
HOLES = {"ring": arc(36, 0.52)}
