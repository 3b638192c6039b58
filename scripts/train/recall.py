"""Associative recall: pairs of a key and its value lie among filler, and the end asks for the values.

    f f k3 v9 f f f f k1 v2 f f ... ? k1 v2 ? k3 v9

A token that is lost from a pair costs its answer, however far back it was; filler may be lost. Ids
are the keys, the values, the filler and the question mark, in this order.
"""

import numpy as np

from scattering import places

KEYS, VALUES, FILLER = 32, 32, 31
FIRST_VALUE, FIRST_FILLER, QUESTION = KEYS, KEYS + VALUES, KEYS + VALUES + FILLER
VOCABULARY = QUESTION + 1
QUERY = 3  # tokens of a question and its answer


def sample(rng, rows, length, pairs, queries, within=None):
    """`rows` sequences of `length` ids that end with an answer: (ids (rows, length) int64, whether each
    is an answer). Keys differ inside a sequence; each query asks for another one. The pairs lie among
    the first `within` ids, or anywhere before the questions."""
    body = length - QUERY * queries
    ids = rng.integers(FIRST_FILLER, QUESTION, (rows, length))
    keys = rng.permuted(np.tile(np.arange(KEYS), (rows, 1)), axis=1)[:, :pairs]
    values = rng.integers(FIRST_VALUE, FIRST_FILLER, (rows, pairs))
    at = places(rng, rows, within or body, pairs, 2)
    np.put_along_axis(ids, at, keys, axis=1)
    np.put_along_axis(ids, at + 1, values, axis=1)

    asked = rng.permuted(np.tile(np.arange(pairs), (rows, 1)), axis=1)[:, :queries]
    ids[:, body::QUERY] = QUESTION
    ids[:, body + 1 :: QUERY] = np.take_along_axis(keys, asked, axis=1)
    ids[:, body + 2 :: QUERY] = np.take_along_axis(values, asked, axis=1)
    answers = np.zeros(ids.shape, bool)
    answers[:, body + 2 :: QUERY] = True
    return ids, answers
