"""Trains the small models of memory that ship in models/tiny-recall and models/tiny-copying.

    python scripts/train/train_memory_model.py --task recall
    python scripts/train/train_memory_model.py --task copying

One CPU thread, fixed seeds; README.md in this folder says what is needed and how long it takes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import checkpoint
import memory_tasks
from language_model import LanguageModel
from optimization import learning_rate, make_optimizer, update
from weights import write_json

ROOT = Path(__file__).resolve().parents[2]
TOKENS = 1 << 11  # of a step, or one longer sequence
WARMUP = 100
REPORTED, MASTERED = 100, 0.95  # a stage is mastered when of the answers of so many steps such a share is right
HELD_OUT_ANSWERS = 600  # of each length


def answer_costs(model, ids, answers):
    """(mean cost in nats, share that is right) of the ids that are answers; both arguments (rows, l + 1)."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(ids[:, :-1])
    targets, asked = ids[:, 1:], answers[:, 1:]
    right = ((logits.argmax(-1) == targets) & asked).sum() / asked.sum()
    costs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (costs * asked.flatten()).sum() / asked.sum(), right


def rate(stage, step, warmup):
    """The learning rate of a stage's step: it warms up over `warmup` steps and stays, or falls if the stage settles."""
    if stage.settles:
        return learning_rate(step, stage.steps, stage.rate, 0)
    return stage.rate * min(1, (step + 1) / warmup)


def train(model, task, seed):
    """Trains in place; returns the steps of each stage and the seconds of processor time."""
    rng = np.random.default_rng((memory_tasks.TRAINING, seed))
    optimizer = make_optimizer(model)

    def cost(ids, answers):
        return answer_costs(model, ids, answers)

    # The elementwise work between the products outweighs them; fused, a step takes half as long. Of long sequences the
    # loop over chunks, which is unrolled, takes too long to compile.
    fused = torch.compile(cost, dynamic=False)
    steps, start = [], time.process_time()
    for stage in task.stages:
        compute = fused if stage.length <= TOKENS else cost
        warmup = 1 if steps else WARMUP
        rights = []
        while len(rights) < stage.steps and (stage.settles or np.mean(rights[-REPORTED:] or 0) < MASTERED):
            for _ in range(REPORTED):
                count = int(rng.integers(stage.most // 2, stage.most + 1))
                sequences = task.sample(rng, max(1, TOKENS // stage.length), stage.length + 1, count)
                loss, right = compute(*map(torch.from_numpy, sequences))
                update(model, optimizer, loss, rate(stage, len(rights), warmup))
                rights.append(right.item())
            share, seconds = np.mean(rights[-REPORTED:]), time.process_time() - start
            print(f"length {stage.length}  step {len(rights)}  right {share:.3f}  {seconds:.0f} s", flush=True)
        steps.append(len(rights))
    return steps, time.process_time() - start


@torch.no_grad()
def evaluate(model, task, seed, length, count):
    """Share of held-out answers that are right, given the answers before them, in float32."""
    rng = np.random.default_rng((memory_tasks.HELD_OUT, seed, length))
    right = asked = 0
    while asked < HELD_OUT_ANSWERS:
        rows = max(1, 2 * TOKENS // length)
        ids, answers = map(torch.from_numpy, task.sample(rng, rows, length + 1, count))
        best = model(ids[:, :-1]).argmax(-1)
        right += ((best == ids[:, 1:]) & answers[:, 1:]).sum().item()
        asked += answers.sum().item()
    return round(right / asked, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=memory_tasks.TASKS, required=True)
    parser.add_argument("--out", type=Path, help="the model's folder, otherwise models/tiny-TASK")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    task = memory_tasks.TASKS[options.task]
    out = options.out or ROOT / f"models/tiny-{options.task}"

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    model = LanguageModel(task.config)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters")
    steps, seconds = train(model, task, options.seed)

    checkpoint.save(model, out)
    exported = checkpoint.load(out)
    accuracy = {length: evaluate(exported, task, options.seed, length, task.count) for length in task.lengths}
    print("held-out accuracy of the exported weights by length:", accuracy)
    write_json(
        out / "training.json",
        {
            "parameters": parameters,
            "stages": [
                {"length": stage.length, "most": stage.most, "learning_rate": stage.rate, "steps": n}
                for stage, n in zip(task.stages, steps)
            ],
            "tokens": sum(n * max(TOKENS, stage.length) for stage, n in zip(task.stages, steps)),
            "seed": options.seed,
            "processor_minutes": round(seconds / 60, 1),
            "versions": {"torch": torch.__version__, "numpy": np.__version__},
            "held_out": {"count": task.count, "accuracy_by_length": accuracy},
        },
    )


if __name__ == "__main__":
    main()
