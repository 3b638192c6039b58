"""Fine-tunes models/tiny-vim with token pruning in the loop, as arXiv 2409.18962 does, and writes it as a model folder.

    python scripts/train/finetune_vision_model.py --importance clip --alignment next --out FOLDER

The folder has the format of models/tiny-vim; the pruning itself is not part of it, but training.json
says what it was. `--importance none` fine-tunes without pruning, as a control. One CPU thread, fixed
seeds; a run that was stopped goes on from its last saved step.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

import shapes
import vision_checkpoint
from optimization import learning_rate
from pruning import pruned_pass, pruning_for
from train_vision_model import ROOT, STEPS
from vision_training import BATCH, VERSIONS, draw_batch, held_out, train
from weights import write_json

PEAK_RATE, WARMUP = 5e-4, 50
UNSEEN = sum(STEPS["vim"]) * BATCH  # the first picture that tiny-vim was not trained on
HELD_OUT_SEED = 1  # as tiny-vim's accuracy, whatever the pictures of the training are


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models/tiny-vim", help="the folder to start from")
    parser.add_argument("--out", type=Path, required=True, help="the fine-tuned model's folder")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build/train", help="keeps what a stopped run needs")
    parser.add_argument(
        "--importance", choices=["clip", "novel", "none"], required=True, help="what prunes, if anything"
    )
    parser.add_argument("--alignment", choices=["none", "next"], default="next", help="of the pruned tokens' time")
    parser.add_argument("--cut", type=float, default=0.3, help="share of the layers' work that pruning saves")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1, help="of the pictures to train on")
    options = parser.parse_args()
    seed = options.seed

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = vision_checkpoint.load(options.model).train()
    dense = options.importance == "none"
    pruning = None if dense else pruning_for(options.cut, model, options.importance, options.alignment)

    def pass_of(model):
        return model if dense else lambda pixels: pruned_pass(model, pruning, pixels)[0]

    def draw(step):
        rate = learning_rate(step, options.steps, PEAK_RATE, WARMUP)
        return *draw_batch(shapes.TRAINING, seed, UNSEEN + step * BATCH, shapes.HARD), rate

    run = options.model.name, options.importance, options.alignment, options.cut, options.steps, seed
    kept = options.scratch / f"finetuned-{'-'.join(map(str, run))}.pt"
    seconds = train(model, pass_of(model), draw, options.steps, kept)

    labels = (options.model / "labels.txt").read_text(encoding="utf-8").splitlines()
    vision_checkpoint.save(model, labels, options.out)
    tuned = vision_checkpoint.load(options.out)
    write_json(
        options.out / "training.json",
        {
            "pruning": None if dense else asdict(pruning),
            "tokens": None if dense else pruning.counts(model.config.patches + 1),
            "steps": options.steps,
            "batch": BATCH,
            "peak_learning_rate": PEAK_RATE,
            "seed": seed,
            "processor_minutes": round(seconds / 60, 1),
            "versions": VERSIONS,
            "held_out": held_out(pass_of(tuned), HELD_OUT_SEED),
        },
    )


if __name__ == "__main__":
    main()
