"""A Vision Mamba that prunes tokens on its way (arXiv 2409.18962), as docs/reduction.md specifies the policy `prune`.

After each listed layer the tokens of least importance are dropped, in the mixer's output and in the
residual stream alike; those that stay keep their order and their original positions, and the class
token always stays. Importance chooses, but nothing is trained through it.

Shapes use: b batch, l tokens, k tokens that stay, d d_model, i d_inner.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

PROTECTED = 1  # the class token


@dataclass(frozen=True)
class Pruning:
    layers: tuple  # counted from 0; pruned after each
    keep: float  # share of the tokens that stay there
    importance: str  # "clip" or "novel"
    alignment: str  # "none" or "next"

    def counts(self, tokens):
        """Tokens that each pruning leaves of `tokens`."""
        counts = []
        for _ in self.layers:
            tokens = min(tokens, max(math.ceil(self.keep * tokens), PROTECTED + 1))
            counts.append(tokens)
        return counts


def paper_layers(depth):
    """Where the paper's code prunes its 24 layers, after 5, 10 and 15, at the same relative depths."""
    return tuple(layer * depth // 24 for layer in (4, 9, 14))


def pruning_for(cut, model, importance, alignment):
    """The Pruning of a VisionMamba with the largest keep ratio that saves at least the share `cut` of its layers' work."""
    depth, length = model.config.depth, model.config.patches + 1
    layers = paper_layers(depth)

    def pruning(keep):
        return Pruning(layers, keep, importance, alignment)

    def saves_enough(keep):
        counts = [length, *pruning(keep).counts(length)]
        ends = [*(layer + 1 for layer in layers), depth]
        starts = [0, *ends[:-1]]
        rows = sum(count * (end - start) for count, start, end in zip(counts, starts, ends))
        return (length * depth - rows) / (length * depth) >= cut

    enough, short = 0.0, 1.0  # to the last bit
    while enough < (middle := (enough + short) / 2) < short:
        enough, short = (middle, short) if saves_enough(middle) else (enough, middle)
    return pruning(enough)


def scores(importance, gated, hidden, residual):
    """(b, l) in float32: the mean of what the scans put out above zero, or how little a token is like the one before it."""
    if importance == "clip":
        return gated.float().clamp(min=0).mean(-1)
    stream = hidden.float() + residual
    likeness = F.cosine_similarity(stream[:, 1:], stream[:, :-1], dim=-1)
    return F.pad(1 - likeness, (1, 0), value=1.0)


def kept_rows(importance, is_class, count):
    """(b, k), rising: the class token and the most important others; of equal ones the earlier."""
    order = importance.masked_fill(is_class, math.inf).sort(dim=1, descending=True, stable=True).indices
    return order[:, :count].sort(dim=1).values


def path_gaps(positions, length):
    """Of both directions, (b, k): the positions from one token that stays to the next."""
    forward = positions.diff(dim=1, prepend=positions.new_full((len(positions), 1), -1))
    backward = -positions.flip(1).diff(dim=1, prepend=positions.new_full((len(positions), 1), length))
    return forward.float(), backward.float()


def pruned_pass(model, pruning, pixels):
    """A VisionMamba's logits (b, num_classes) of pixels (b, 3, height, width), and the positions (b, k) that are left."""
    residual = model.tokens(pixels)
    batch, length, dim = residual.shape
    positions = torch.arange(length).expand(batch, -1)
    counts = dict(zip(pruning.layers, pruning.counts(length)))
    gaps = None, None
    for index, layer in enumerate(model.layers):
        gated = layer.mixer.gated(layer.norm(residual), gaps)
        hidden = layer.mixer.out_proj(gated)
        if index in counts:
            with torch.no_grad():
                importance = scores(pruning.importance, gated, hidden, residual)
            rows = kept_rows(importance, positions == model.middle, counts[index])
            hidden, residual = (branch.gather(1, rows[..., None].expand(-1, -1, dim)) for branch in (hidden, residual))
            positions = positions.gather(1, rows)
            if pruning.alignment == "next":
                gaps = path_gaps(positions, length)
        residual = residual + hidden
    row = (positions == model.middle).int().argmax(1)
    return model.logits(residual[torch.arange(batch), row]), positions
