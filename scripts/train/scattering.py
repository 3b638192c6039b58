"""Where things lie among noise: random places in order, without overlap."""

import numpy as np


def places(rng, rows, length, count, width):
    """The first positions of `count` things of `width` tokens in each of `rows` sequences of `length`
    tokens: (rows, count), ascending. Every arrangement is as likely as any other."""
    free = length - count * (width - 1)
    chosen = rng.random((rows, free)).argpartition(count - 1, axis=1)[:, :count]
    return np.sort(chosen, axis=1) + np.arange(count) * (width - 1)
