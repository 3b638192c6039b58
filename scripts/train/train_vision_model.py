"""Trains the small vision models that ship, models/tiny-vim and models/tiny-plainmamba, on pictures drawn by shapes.py.

    python scripts/train/train_vision_model.py --family vim
    python scripts/train/train_vision_model.py --family plainmamba

One CPU thread, fixed seeds; README.md in this folder says what is needed and how long it takes. A
run that was stopped goes on from its last saved step.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import preprocessing
import shapes
import vision_checkpoint
from optimization import learning_rate
from plain_mamba import PlainMamba, PlainMambaConfig
from vim import VimConfig, VisionMamba
from vision_training import BATCH, PEAK_RATE, VERSIONS, draw_batch, held_out, train
from weights import write_json

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"img_size": preprocessing.CROP, "patch_size": 8, "num_classes": len(shapes.LABELS)}
# Kinds of pictures, one stage each. On hard pictures alone the loss stays for long where it starts.
STAGES = shapes.EASY, shapes.HARD
STEPS = {"vim": (3500, 2000), "plainmamba": (2000, 1200)}  # of each stage
WARMUP = 100  # steps of each stage
# The pictures of tiny-vim's folder: file, which is named after the shape, width and height.
SAMPLES = [
    ("arrow.png", 160, 120),
    ("crescent.jpg", 256, 192),
    ("cross.png", 128, 128),
    ("heart.jpg", 200, 240),
    ("hourglass.png", 120, 160),
    ("star.png", 160, 160),
    ("tee.jpg", 256, 256),
]


def make_model(family):
    if family == "vim":
        return VisionMamba(VimConfig(**SIZES, embed_dim=96, depth=8))
    shape = {"embed_dims": 96, "num_layers": 6, "num_convs_patch_embed": 1, "layers_with_dwconv": (0,), "conv_size": 5}
    return PlainMamba(PlainMambaConfig(**SIZES, **shape))


def stage_of(step, stages):
    """(kind of pictures, learning rate) of a step; `stages` is the number of steps of each of STAGES."""
    for scene, steps in zip(STAGES, stages):
        if step < steps:
            break
        step -= steps
    return scene, learning_rate(step, steps, PEAK_RATE, WARMUP)


def write_samples(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for index, (name, width, height) in enumerate(SAMPLES):
        rng = np.random.default_rng((shapes.SAMPLES, seed, index))
        shapes.draw(rng, Path(name).stem, width, height).save(folder / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=STEPS, default="vim")
    parser.add_argument("--out", type=Path, help="the model's folder; models/tiny-<family> by default")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="keeps what a stopped run needs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, nargs=2, metavar=("EASY", "HARD"), help="of each stage")
    options = parser.parse_args()
    family, seed = options.family, options.seed
    out = options.out or ROOT / f"models/tiny-{family}"
    stages = options.steps or STEPS[family]

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = make_model(family)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters")

    def draw(step):
        scene, rate = stage_of(step, stages)
        return *draw_batch(shapes.TRAINING, seed, step * BATCH, scene), rate

    kept = options.scratch / f"{family}-{seed}-{stages[0]}-{stages[1]}.pt"
    seconds = train(model, model, draw, sum(stages), kept)

    vision_checkpoint.save(model, shapes.LABELS, out)
    if family == "vim":
        write_samples(out / "samples", seed)
    write_json(
        out / "training.json",
        {
            "parameters": parameters,
            "steps": list(stages),
            "pictures": sum(stages) * BATCH,
            "batch": BATCH,
            "peak_learning_rate": PEAK_RATE,
            "seed": seed,
            "processor_minutes": round(seconds / 60, 1),
            "versions": VERSIONS,
            "held_out": held_out(vision_checkpoint.load(out), seed),
        },
    )


if __name__ == "__main__":
    main()
