"""The optimizer and the learning rate that all models are trained with."""

import math

import torch

CLIP = 1.0


def learning_rate(step, steps, peak, warmup):
    """Linear warm-up, then half a cosine down to 1 % of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def make_optimizer(model, weight_decay=0.1):
    """AdamW; only the matrices and filters are decayed (not norms, biases, A, D, tokens and positions)."""
    decayed, kept = [], []
    for name, parameter in model.named_parameters():
        (decayed if name.endswith("weight") and parameter.ndim > 1 else kept).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def update(model, optimizer, loss, rate):
    """One step of the optimizer along the clipped gradient of `loss`."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad()
