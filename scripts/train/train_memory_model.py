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
TOKENS = 1 << 11  # of a step, whatever the length of its sequences
WARMUP = 100
REPORTED, MASTERED = 100, 0.95  # a stage but the last ends when of the answers of so many steps so many are right
HELD_OUT_ANSWERS = 600  # of each length


def answer_costs(model, ids, answers):
    """(mean cost in nats, share that is right) of the ids that are answers; both arguments (rows, l + 1)."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(ids[:, :-1])
    targets, asked = ids[:, 1:], answers[:, 1:]
    right = ((logits.argmax(-1) == targets) & asked).sum() / asked.sum()
    costs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return (costs * asked.flatten()).sum() / asked.sum(), right


def rate(number, step, last, stage, peak):
    """The learning rate: it warms up in the first stage, stays, and falls in the last."""
    if last:
        return learning_rate(step, stage.steps, peak, 0)
    return peak * min(1, (step + 1) / WARMUP) if number == 0 else peak


def train(model, task, seed):
    """Trains in place; returns the steps of each stage and the seconds of processor time."""
    rng = np.random.default_rng((memory_tasks.TRAINING, seed))
    optimizer = make_optimizer(model)
    # The elementwise work between the products outweighs them; fused, a step takes half as long.
    cost = torch.compile(lambda ids, answers: answer_costs(model, ids, answers), dynamic=False)
    start = time.process_time()
    steps = []
    for number, stage in enumerate(task.stages):
        last = number == len(task.stages) - 1
        recent = []
        while len(recent) < stage.steps and (last or np.mean(recent[-REPORTED:] or 0) < MASTERED):
            for _ in range(REPORTED):
                count = int(rng.integers(stage.most // 2, stage.most + 1))
                sequences = task.sample(rng, TOKENS // stage.length, stage.length + 1, count)
                loss, right = cost(*map(torch.from_numpy, sequences))
                update(model, optimizer, loss, rate(number, len(recent), last, stage, task.peak_rate))
                recent.append(right.item())
            seconds = time.process_time() - start
            print(
                f"length {stage.length}  step {len(recent)}  right {np.mean(recent[-REPORTED:]):.3f}  {seconds:.0f} s",
                flush=True,
            )
        steps.append(len(recent))
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
            "stages": [{"length": s.length, "most": s.most, "steps": n} for s, n in zip(task.stages, steps)],
            "tokens": sum(steps) * TOKENS,
            "tokens_per_step": TOKENS,
            "peak_learning_rate": task.peak_rate,
            "seed": options.seed,
            "processor_minutes": round(seconds / 60, 1),
            "versions": {"torch": torch.__version__, "numpy": np.__version__},
            "held_out": {"count": task.count, "accuracy_by_length": accuracy},
        },
    )


if __name__ == "__main__":
    main()
