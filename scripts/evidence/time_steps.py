"""Whether a small copying model's time steps differ between what it is to copy and noise: what alignment has to guess.

    python scripts/evidence/time_steps.py FOLDER...

Prints, for each layer, the ratio of a channel's mean time step on tokens to that on noise: the quartiles over channels.
Needs what scripts/train needs.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
import checkpoint
import copying

LENGTH, COUNT, ROWS = 256, 16, 64


def time_steps(mixer, x):
    """(rows, length, channels) of a Mamba-1 mixer's input."""
    u = F.silu(mixer.conv1d(mixer.in_proj(x).chunk(2, dim=-1)[0]))
    rank = mixer.dt_proj.weight.shape[1]
    return F.softplus(mixer.dt_proj(mixer.x_proj(u)[..., :rank]))


@torch.no_grad()
def main():
    ids, answers = copying.sample(np.random.default_rng(5), ROWS, LENGTH, COUNT)
    body = int(answers[0].argmax()) - 1  # without the mark
    noise = torch.from_numpy(ids[:, :body] >= copying.FIRST_NOISE)
    for folder in map(Path, sys.argv[1:]):
        model = checkpoint.load(folder).eval()
        x = model.backbone.embeddings(torch.from_numpy(ids))
        print(folder)
        for number, layer in enumerate(model.backbone.layers):
            dt = time_steps(layer.mixer, layer.norm(x))[:, :body]
            ratio = dt[~noise].mean(0) / dt[noise].mean(0)
            quartiles = ratio.quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
            print(f"  layer {number}: {', '.join(f'{value:.2f}' for value in quartiles)}")
            x = layer(x)


if __name__ == "__main__":
    main()
