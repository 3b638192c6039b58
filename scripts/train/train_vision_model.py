"""Trains the small Vision Mamba that ships in models/tiny-vim on pictures drawn by shapes.py.

    python scripts/train/train_vision_model.py

One CPU thread, fixed seeds; README.md in this folder says what is needed and how long it takes. A
run that was stopped goes on from its last saved step.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import PIL
import torch
import torch.nn.functional as F

import preprocessing
import shapes
import vision_checkpoint
from vim import VimConfig, VisionMamba
from weights import write_json

ROOT = Path(__file__).resolve().parents[2]
CONFIG = VimConfig(img_size=preprocessing.CROP, patch_size=8, embed_dim=96, depth=8, num_classes=len(shapes.LABELS))
BATCH = 32  # pictures a step
# Kinds of pictures, one stage each, and its steps. On hard pictures alone the loss stays for long where it starts.
STAGES = shapes.EASY, shapes.HARD
STEPS = 3500, 2000
PEAK_RATE, WARMUP, WEIGHT_DECAY, CLIP = 1.5e-3, 100, 0.05, 1.0
SAVED_EVERY = 100  # steps
# The pictures of the model's folder: file, which is named after the shape, width and height.
SAMPLES = [
    ("arrow.png", 160, 120),
    ("crescent.jpg", 256, 192),
    ("cross.png", 128, 128),
    ("heart.jpg", 200, 240),
    ("hourglass.png", 120, 160),
    ("star.png", 160, 160),
    ("tee.jpg", 256, 256),
]


def stage_of(step, stages):
    """(kind of pictures, learning rate) of a step: each stage warms up and then falls to 1 % by half a cosine.

    stages: the number of steps of each of STAGES.
    """
    for scene, steps in zip(STAGES, stages):
        if step < steps:
            break
        step -= steps
    if step < WARMUP:
        return scene, PEAK_RATE * (step + 1) / WARMUP
    progress = (step - WARMUP) / max(1, steps - WARMUP)
    return scene, PEAK_RATE * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def make_optimizer(model):
    """AdamW; only the matrices and filters are decayed (not norms, biases, A, D, tokens and positions)."""
    decayed, kept = [], []
    for name, parameter in model.named_parameters():
        (decayed if name.endswith("weight") and parameter.ndim > 1 else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95), fused=True)


def draw_batch(which, seed, first, scene):
    """(pixels (BATCH, 3, CROP, CROP), labels (BATCH)) of the pictures from number `first` of a set."""
    pictures, labels = zip(*(shapes.picture(which, seed, first + k, scene) for k in range(BATCH)))
    levels = np.stack([preprocessing.crop(picture) for picture in pictures])
    return torch.from_numpy(preprocessing.normalise(levels)), torch.tensor(labels)


def cross_entropy(model, pixels, labels):
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(pixels)
    return F.cross_entropy(logits, labels)


def train(model, seed, stages, kept):
    """Trains in place and returns the seconds of processor time; `kept` is the file a stopped run goes on from."""
    steps = sum(stages)
    optimizer = make_optimizer(model)
    first, seconds = 0, 0.0
    if kept.exists():
        state = torch.load(kept)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds = state["step"], state["seconds"]
    # The elementwise work between the products outweighs them; fused, a step takes half as long.
    cost = torch.compile(lambda pixels, labels: cross_entropy(model, pixels, labels))
    recent, start = [], time.process_time() - seconds
    for step in range(first, steps):
        scene, rate = stage_of(step, stages)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = cost(*draw_batch(shapes.TRAINING, seed, step * BATCH, scene))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(loss.item())
        if (step + 1) % SAVED_EVERY == 0:
            seconds = time.process_time() - start
            print(f"step {step + 1}/{steps}  loss {np.mean(recent):.3f}  {seconds:.0f} s", flush=True)
            save_progress(kept, model, optimizer, step + 1, seconds)
            recent = []
    return time.process_time() - start


def save_progress(path, model, optimizer, step, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    progress = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "seconds": seconds}
    torch.save(progress, fresh)
    fresh.replace(path)


@torch.no_grad()
def evaluate(model, seed):
    """Share of the hard held-out pictures whose best label is right, in float32, and its standard error."""
    right = 0
    for first in range(0, shapes.HELD_OUT_PICTURES, BATCH):
        pixels, labels = draw_batch(shapes.HELD_OUT, seed, first, shapes.HARD)
        right += (model(pixels).argmax(1) == labels).sum().item()
    share = right / shapes.HELD_OUT_PICTURES
    return share, math.sqrt(share * (1 - share) / shapes.HELD_OUT_PICTURES)


def write_samples(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for index, (name, width, height) in enumerate(SAMPLES):
        rng = np.random.default_rng((shapes.SAMPLES, seed, index))
        shapes.draw(rng, Path(name).stem, width, height).save(folder / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "models/tiny-vim", help="the model's folder")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="keeps what a stopped run needs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, nargs=2, default=STEPS, metavar=("EASY", "HARD"), help="of each stage")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    model = VisionMamba(CONFIG)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters")
    seconds = train(model, options.seed, options.steps, options.scratch / f"vision-{options.seed}.pt")

    vision_checkpoint.save(model, shapes.LABELS, options.out)
    write_samples(options.out / "samples", options.seed)
    top1, error = evaluate(vision_checkpoint.load(options.out), options.seed)
    print(f"held-out top-1 of the exported weights: {top1:.4f} (standard error {error:.4f})")
    write_json(
        options.out / "training.json",
        {
            "parameters": parameters,
            "steps": list(options.steps),
            "pictures": sum(options.steps) * BATCH,
            "batch": BATCH,
            "peak_learning_rate": PEAK_RATE,
            "seed": options.seed,
            "processor_minutes": round(seconds / 60, 1),
            "versions": {"torch": torch.__version__, "numpy": np.__version__, "pillow": PIL.__version__},
            "held_out": {
                "pictures": shapes.HELD_OUT_PICTURES,
                "top1": round(top1, 4),
                "standard_error": round(error, 4),
            },
        },
    )


if __name__ == "__main__":
    main()
