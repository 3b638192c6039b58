"""Checks a model of memory against Hugging Face transformers and writes the tests' golden file.

    python scripts/train/make_memory_golden.py --task recall
    python scripts/train/make_memory_golden.py --task copying

As make_golden.py does for models of bytes: test/fixtures/tiny-TASK-golden.json has held-out sequences and what
transformers computes from models/tiny-TASK for their answers.
"""

import argparse
import json

import numpy as np
import torch

import make_golden
import make_memory_samples

SEQUENCES, LENGTH = 6, 160


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=make_memory_samples.DEFAULT_COUNT, required=True)
    task = parser.parse_args().task
    folder = make_golden.ROOT / f"models/tiny-{task}"

    torch.set_num_threads(1)
    rng = np.random.default_rng((make_memory_samples.SAMPLES, 0))
    count = make_memory_samples.DEFAULT_COUNT[task]
    sequences = [make_memory_samples.draw(task, rng, LENGTH, count, None) for _ in range(SEQUENCES)]
    reference = make_golden.load(folder, [torch.from_numpy(ids)[None] for ids, _ in sequences])

    def sample(ids, start):
        context, continuation = torch.from_numpy(ids)[None].split([start, len(ids) - start], dim=1)
        return {
            "context": context[0].tolist(),
            "continuation": continuation[0].tolist(),
            "logProbabilities": make_golden.log_probabilities(reference, context, continuation),
        }

    golden = {
        **make_golden.provenance(reference, folder),
        "samples": [sample(ids, start) for ids, start in sequences],
    }
    out = make_golden.ROOT / f"test/fixtures/tiny-{task}-golden.json"
    out.write_text(json.dumps(golden) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
