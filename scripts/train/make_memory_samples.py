"""Writes held-out sequences of a memory task as JSON lines, for the task `continuation` of `skipscan eval`.

    python scripts/train/make_memory_samples.py --task recall --length 1024 --samples 500 --out recall-1024.jsonl

A record is {"context": [ids], "continuation": [ids]}: all up to the answer, and the answer, which is the value
that a recall sequence's one question asks for, or a copying sequence's tokens in order. Needs numpy.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import copying
import recall

SAMPLES = 2  # the first word of the generator's seed; those of memory_tasks.py are others
DEFAULT_COUNT = {"recall": 12, "copying": 16}


def draw(task, rng, length, count, within):
    """One sequence: (ids (length), where its answer begins)."""
    if task == "recall":
        ids, answers = recall.sample(rng, 1, length, count, 1, within)
    else:
        ids, answers = copying.sample(rng, 1, length, count, within)
    return ids[0], int(answers[0].argmax())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=DEFAULT_COUNT, required=True)
    parser.add_argument("--length", type=int, default=256, help="ids of a context and its continuation")
    parser.add_argument("--count", type=int, help="pairs or tokens to remember in a sequence (12 or 16)")
    parser.add_argument("--within", type=int, help="these lie among the first so many ids, not anywhere")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    rng = np.random.default_rng((SAMPLES, options.seed))
    count = options.count or DEFAULT_COUNT[options.task]
    with options.out.open("w", encoding="utf-8") as file:
        for _ in range(options.samples):
            ids, start = draw(options.task, rng, options.length, count, options.within)
            record = {"context": ids[:start].tolist(), "continuation": ids[start:].tolist()}
            file.write(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
