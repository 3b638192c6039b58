"""Fine-tunes models/tiny-vim to tell which photograph a crop is from (photos.py), for measurements on pictures that nobody drew.

    python scripts/train/finetune_photo_model.py --out FOLDER --pictures FOLDER

Also needs scikit-image, for its photographs. Writes the model and its held-out crops as one folder a label. One CPU thread, fixed
seeds.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

import photos
import preprocessing
import shapes
import vision_checkpoint
from optimization import learning_rate
from train_vision_model import ROOT
from vision_training import BATCH, VERSIONS, train
from weights import write_json

PEAK_RATE, WARMUP = 1e-3, 50
HELD_OUT_PICTURES = 2048


def draw_batch(which, seed, first):
    crops, labels = zip(*(photos.picture(which, seed, first + k) for k in range(BATCH)))
    levels = np.stack([preprocessing.crop(crop) for crop in crops])
    return torch.from_numpy(preprocessing.normalise(levels)), torch.tensor(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models/tiny-vim", help="the folder to start from")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--pictures", type=Path, required=True, help="where the held-out crops go")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="keeps what a stopped run needs")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seed, steps = options.seed, options.steps

    for label in photos.LABELS:
        (options.pictures / label).mkdir(parents=True, exist_ok=True)
    for index in range(HELD_OUT_PICTURES):
        crop, label = photos.picture(shapes.HELD_OUT, seed, index)
        crop.save(options.pictures / photos.LABELS[label] / f"{index:05}.png")

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = vision_checkpoint.load(options.model).train()
    assert model.config.num_classes == len(photos.LABELS)
    model.head = nn.Linear(model.config.embed_dim, len(photos.LABELS))

    def draw(step):
        return *draw_batch(shapes.TRAINING, seed, step * BATCH), learning_rate(step, steps, PEAK_RATE, WARMUP)

    seconds = train(model, model, draw, steps, options.scratch / f"photos-{seed}.pt")
    vision_checkpoint.save(model, photos.LABELS, options.out)
    facts = {"steps": steps, "batch": BATCH, "peak_learning_rate": PEAK_RATE, "seed": seed}
    minutes = round(seconds / 60, 1)
    write_json(options.out / "training.json", {**facts, "processor_minutes": minutes, "versions": VERSIONS})


if __name__ == "__main__":
    main()
