"""Selective copying: some tokens lie among noise, and after a mark they are to be repeated in order.

    n n a n d n n c n b ... | a d c b

A token that is lost shifts the rest of the answer; noise may be lost. Ids are the tokens, the noise and the
mark, in this order.
"""

import numpy as np

from scattering import places

TOKENS, NOISE = 32, 31
FIRST_NOISE, MARK = TOKENS, TOKENS + NOISE
VOCABULARY = MARK + 1


def sample(rng, rows, length, count, within=None):
    """`rows` sequences of `length` ids that end with the copy of their `count` different tokens:
    (ids (rows, length) int64, whether each is part of the copy). The tokens lie among the first
    `within` ids, or anywhere before the mark."""
    body = length - count - 1
    ids = rng.integers(FIRST_NOISE, MARK, (rows, length))
    tokens = rng.permuted(np.tile(np.arange(TOKENS), (rows, 1)), axis=1)[:, :count]
    np.put_along_axis(ids, places(rng, rows, within or body, count, 1), tokens, axis=1)
    ids[:, body] = MARK
    ids[:, body + 1 :] = tokens
    answers = np.zeros(ids.shape, bool)
    answers[:, body + 1 :] = True
    return ids, answers
