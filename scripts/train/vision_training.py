"""What every training of a vision model on the drawn pictures shares: batches, optimizer, loop, held-out accuracy."""

import math
import time

import numpy as np
import PIL
import torch
import torch.nn.functional as F

import preprocessing
import shapes
from optimization import make_optimizer, update

BATCH = 32  # pictures a step
PEAK_RATE, WEIGHT_DECAY = 1.5e-3, 0.05
SAVED_EVERY = 100  # steps
VERSIONS = {"torch": torch.__version__, "numpy": np.__version__, "pillow": PIL.__version__}


def draw_batch(which, seed, first, scene):
    """(pixels (BATCH, 3, CROP, CROP), labels (BATCH)) of the pictures from number `first` of a set."""
    pictures, labels = zip(*(shapes.picture(which, seed, first + k, scene) for k in range(BATCH)))
    levels = np.stack([preprocessing.crop(picture) for picture in pictures])
    return torch.from_numpy(preprocessing.normalise(levels)), torch.tensor(labels)


def train(model, forward, draw, steps, kept):
    """Trains in place and returns the seconds of processor time.

    forward: pixels -> logits, the pass that is trained. draw: step -> (pixels, labels, learning rate).
    kept: the file that a stopped run goes on from.
    """

    def cross_entropy(pixels, labels):
        with torch.autocast("cpu", torch.bfloat16):
            logits = forward(pixels)
        return F.cross_entropy(logits, labels)

    optimizer = make_optimizer(model, WEIGHT_DECAY)
    first, seconds = 0, 0.0
    if kept.exists():
        state = torch.load(kept)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds = state["step"], state["seconds"]
    # The elementwise work between the products outweighs them; fused, a step takes half as long.
    cost = torch.compile(cross_entropy)
    recent, start = [], time.process_time() - seconds
    for step in range(first, steps):
        pixels, labels, rate = draw(step)
        loss = cost(pixels, labels)
        update(model, optimizer, loss, rate)
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
def held_out(forward, seed):
    """How a pass (pixels -> logits) does in float32 on the hard held-out pictures: their number, top-1, standard error."""
    right = 0
    for first in range(0, shapes.HELD_OUT_PICTURES, BATCH):
        pixels, labels = draw_batch(shapes.HELD_OUT, seed, first, shapes.HARD)
        right += (forward(pixels).argmax(1) == labels).sum().item()
    share = right / shapes.HELD_OUT_PICTURES
    error = math.sqrt(share * (1 - share) / shapes.HELD_OUT_PICTURES)
    print(f"held-out top-1 of the exported weights: {share:.4f} (standard error {error:.4f})")
    return {"pictures": shapes.HELD_OUT_PICTURES, "top1": round(share, 4), "standard_error": round(error, 4)}
