"""Trains weights.safetensors: `python train.py` with PyTorch and safetensors, a few minutes on two cores.

The model of index.mjs, with plain loops for its scans. Half of the batches drop tokens, so that it learns to do without them.
"""

import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

FRAME, FRAMES, WIDTH, INNER, STATES, TAPS = 8, 64, 16, 32, 4, 4
KINDS = ["rise", "fall", "tone", "beats", "clicks"]


def event(kind: str, length: int, low: float, span: float) -> torch.Tensor:
    """One event; frequencies in cycles a sample, from `low` to `low + span`."""
    n = torch.arange(length)
    t = n / length
    middle = torch.sin(2 * math.pi * (low + span / 2) * n)
    if kind == "rise":
        return torch.sin(2 * math.pi * length * (low * t + span * t * t / 2))
    if kind == "fall":
        return torch.sin(2 * math.pi * length * ((low + span) * t - span * t * t / 2))
    if kind == "beats":
        return middle * torch.sin(2 * math.pi * 4 * t)
    return (n % 24 < 2) * 1.5 if kind == "clicks" else middle


def signals(count: int, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Quiet noise with one event in it, as signals.mjs makes them: [count, 512], and which event."""
    samples = FRAME * FRAMES
    kinds = torch.randint(len(KINDS), (count,), generator=rng)
    out = 0.05 * torch.randn(count, samples, generator=rng)
    for signal, kind in zip(out, kinds.tolist(), strict=True):
        length = int(torch.randint(96, 161, (1,), generator=rng))
        start = int(torch.randint(0, samples - length, (1,), generator=rng))
        low, span = torch.rand(2, generator=rng).tolist()
        signal[start : start + length] += event(KINDS[kind], length, 0.04 + 0.04 * low, 0.12 + 0.1 * span)
    return out, kinds


class Block(nn.Module):
    """Mamba in both directions (as ViM's): norm, projections, and for each direction a convolution and a scan; one gate."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.ones(WIDTH))
        self.input = nn.Parameter(torch.randn(INNER, WIDTH) / WIDTH**0.5)
        self.gate = nn.Parameter(torch.randn(INNER, WIDTH) / WIDTH**0.5)
        self.output = nn.Parameter(torch.randn(WIDTH, INNER) / INNER**0.5 / 2)
        for way in ["there", "back"]:
            parameters = {
                "conv": torch.randn(INNER, TAPS) / TAPS**0.5,
                "conv_bias": torch.zeros(INNER),
                "delta": torch.randn(INNER, INNER) / INNER**0.5 / 4,
                "delta_bias": torch.linspace(-5, -1, INNER),
                "A_log": torch.log(torch.arange(1.0, STATES + 1)).repeat(INNER, 1),
                "B": torch.randn(STATES, INNER) / INNER**0.5,
                "C": torch.randn(STATES, INNER) / INNER**0.5,
                "D": torch.ones(INNER),
            }
            self.register_module(way, nn.ParameterDict(parameters))

    def scan(self, x: torch.Tensor, gap: torch.Tensor, p: nn.ParameterDict) -> torch.Tensor:
        x = F.pad(x.transpose(1, 2), (TAPS - 1, 0))
        u = F.silu(F.conv1d(x, p["conv"][:, None], p["conv_bias"], groups=INNER)).transpose(1, 2)
        dt = F.softplus(u @ p["delta"].T + p["delta_bias"])
        decay = torch.exp((gap[..., None] * dt)[..., None] * -torch.exp(p["A_log"]))
        inputs = (dt * u)[..., None] * (u @ p["B"].T)[:, :, None]
        state, states = torch.zeros_like(inputs[:, 0]), []
        for t in range(u.shape[1]):
            state = decay[:, t] * state + inputs[:, t]
            states.append(state)
        return (torch.stack(states, 1) * (u @ p["C"].T)[:, :, None]).sum(-1) + p["D"] * u

    def forward(self, stream: torch.Tensor, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What is to be added to the stream, and the gated sum that tokens are scored by."""
        normed = stream * torch.rsqrt(stream.square().mean(-1, keepdim=True) + 1e-5) * self.norm
        x = normed @ self.input.T
        steps = positions.diff(dim=1)
        first = torch.ones_like(positions[:, :1])
        there = self.scan(x, torch.cat([first, steps], 1), self.there)
        back = self.scan(x.flip(1), torch.cat([first, steps.flip(1)], 1), self.back).flip(1)
        y = (there + back) / 2 * F.silu(normed @ self.gate.T)
        return y @ self.output.T, y


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.randn(WIDTH, FRAME) / FRAME**0.5)
        self.embed_bias = nn.Parameter(torch.zeros(WIDTH))
        self.blocks = nn.ModuleList([Block(), Block()])
        self.final_norm = nn.Parameter(torch.ones(WIDTH))
        self.head = nn.Parameter(torch.randn(len(KINDS), WIDTH) / WIDTH**0.5)
        self.head_bias = nn.Parameter(torch.zeros(len(KINDS)))

    def forward(self, signal: torch.Tensor, keep: float) -> torch.Tensor:
        stream = signal.view(-1, FRAMES, FRAME) @ self.embed.T + self.embed_bias
        positions = torch.arange(FRAMES).repeat(len(signal), 1)
        added, y = self.blocks[0](stream, positions)
        stream = stream + added
        kept = y.square().mean(-1).topk(math.ceil(keep * FRAMES)).indices.sort().values
        stream, positions = (stream.gather(1, kept[..., None].expand(-1, -1, WIDTH)), positions.gather(1, kept))
        stream = stream + self.blocks[1](stream, positions)[0]
        normed = stream * torch.rsqrt(stream.square().mean(-1, keepdim=True) + 1e-5) * self.final_norm
        return normed.mean(1) @ self.head.T + self.head_bias


def main() -> None:
    torch.set_num_threads(1)  # tensors are small
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(1)
    model = Model()
    steps = 700
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for step in range(steps):
        signal, kinds = signals(48, rng)
        loss = F.cross_entropy(model(signal, 0.4 if step % 2 else 1), kinds)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(step + 1, loss.item(), flush=True)
    signal, kinds = signals(1000, torch.Generator().manual_seed(2))
    with torch.no_grad():
        for keep in (1, 0.4, 0.25):
            print("keep", keep, "right", (model(signal, keep).argmax(1) == kinds).float().mean().item())
    tensors = {name.replace("A_log", "A"): value.detach() for name, value in model.state_dict().items()}
    tensors = {name: -value.exp() if name.endswith(".A") else value for name, value in tensors.items()}
    save_file(tensors, Path(__file__).with_name("weights.safetensors"), metadata={"kinds": ",".join(KINDS)})


if __name__ == "__main__":
    main()
