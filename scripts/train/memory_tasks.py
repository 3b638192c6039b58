"""The tasks that the small models of memory are trained on: model, curriculum and what is held out."""

from collections.abc import Callable
from dataclasses import dataclass

import copying
import recall
from mamba import MambaConfig
from mamba2 import Mamba2Config

# The first word of a random generator's seed: training never draws what is held out.
TRAINING, HELD_OUT = range(2)


@dataclass(frozen=True)
class Stage:
    """Sequences of one length with up to `most` things to remember, at least half as many. It ends after its
    `steps`, or before when it is mastered; or it settles: all its steps, while the rate falls."""

    length: int
    most: int
    steps: int
    rate: float
    settles: bool = False


@dataclass(frozen=True)
class MemoryTask:
    config: Mamba2Config | MambaConfig
    # (generator, rows, length, things to remember) -> (ids, whether each is an answer), both (rows, length)
    sample: Callable
    stages: tuple[Stage, ...]  # on long sequences alone the loss stays for long where it starts
    count: int  # things to remember in the held-out sequences
    lengths: tuple[int, ...]  # of the held-out sequences


def recall_sample(rng, rows, length, pairs):
    """Every pair is asked for, as far as half of the sequence has room for the questions."""
    return recall.sample(rng, rows, length, pairs, min(pairs, length // 2 // recall.QUERY))


TASKS = {
    "recall": MemoryTask(
        config=Mamba2Config(
            vocab_size=recall.VOCABULARY, d_model=64, n_layer=4, head_dim=32, d_state=64, chunk_size=64
        ),
        sample=recall_sample,
        stages=(
            Stage(64, 6, 1500, 4e-3),
            Stage(128, 16, 3000, 4e-3),
            Stage(256, 16, 1500, 4e-3, settles=True),
            Stage(8192, 16, 100, 1e-3, settles=True),  # what lies between must not wear the memory off
        ),
        count=12,
        lengths=(128, 512, 1024, 8192, 65536),
    ),
    "copying": MemoryTask(
        config=MambaConfig(vocab_size=copying.VOCABULARY, d_model=64, n_layer=4, d_state=16),
        sample=copying.sample,
        stages=(
            Stage(32, 4, 2000, 3e-3),
            Stage(64, 8, 2000, 3e-3),
            Stage(128, 16, 2500, 3e-3),
            Stage(256, 16, 1500, 3e-3, settles=True),
        ),
        count=16,
        lengths=(128, 256, 512),
    ),
}
