"""Trains the small byte-level language models that ship in models/tiny-mamba2 and models/tiny-mamba.

    python scripts/train/train_language_model.py
    python scripts/train/train_language_model.py --family mamba

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
from language_model import LanguageModel
from mamba import MambaConfig
from mamba2 import Mamba2Config
from optimization import learning_rate, make_optimizer, update
from weights import write_json

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = {
    "mamba2": Mamba2Config(vocab_size=264, d_model=192, n_layer=6, head_dim=64, d_state=64, chunk_size=64),
    "mamba": MambaConfig(vocab_size=264, d_model=192, n_layer=6, d_state=16),
}
BATCH, LENGTH = 4, 512  # windows a step, tokens a window
PEAK_RATE, WARMUP = 3e-3, 150
EVALUATION_LENGTH = 1024


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
        loss = cost(torch.from_numpy(corpus.sample(streams, BATCH, LENGTH + 1, rng)))
        update(model, optimizer, loss, learning_rate(step, steps, PEAK_RATE, WARMUP))
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
    parser.add_argument("--family", choices=CONFIGS, default="mamba2")
    parser.add_argument("--out", type=Path, help="the model's folder, otherwise models/tiny-FAMILY")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="keeps the npm packages")
    parser.add_argument("--text", type=Path, nargs="+", help="train on these UTF-8 files instead")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    out = options.out or ROOT / f"models/tiny-{options.family}"

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    data = corpus.load(options.scratch, options.text)
    model = LanguageModel(CONFIGS[options.family])
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters;", ", ".join(f"{name}: {len(t)} bytes" for name, (t, _) in data.items()))

    start = time.monotonic()
    train(model, [training for training, _ in data.values()], options.steps, options.seed)
    minutes = (time.monotonic() - start) / 60

    checkpoint.save(model, out)
    checkpoint.save_tokenizer(out)
    exported = checkpoint.load(out)
    held_out = {name: round(evaluate(exported, ids), 4) for name, (_, ids) in data.items()}
    print("held-out bits per byte of the exported weights:", held_out)
    sources = {source.name: source for source in corpus.SOURCES}
    write_json(
        out / "training.json",
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
