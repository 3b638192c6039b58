"""Vision Mamba (Zhu et al., 2024) in PyTorch: bidirectional Mamba-1 blocks, class token in the middle.

Module and parameter names are those of the authors' checkpoints (bimamba v2, class token in the
middle, directions averaged), so `state_dict()` of `VisionMamba` is the published layout.

Shapes use: b batch, m patches, l = m + 1 tokens, d d_model, i d_inner, r dt_rank, n d_state.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from scan import scan


@dataclass(frozen=True)
class VimConfig:
    img_size: int
    patch_size: int
    embed_dim: int
    depth: int
    num_classes: int
    d_state: int = 16
    d_conv: int = 4
    expand: int = 2
    norm_eps: float = 1e-5

    @property
    def d_inner(self) -> int:
        return self.expand * self.embed_dim

    @property
    def dt_rank(self) -> int:
        return math.ceil(self.embed_dim / 16)

    @property
    def patches(self) -> int:
        return (self.img_size // self.patch_size) ** 2


class CausalConv(nn.Conv1d):
    """Depthwise causal convolution over (b, l, channels): output t sees inputs t-width+1 .. t."""

    def __init__(self, channels, width):
        super().__init__(channels, channels, width, groups=channels)

    def forward(self, x):
        width, length = self.kernel_size[0], x.shape[1]
        padded = F.pad(x, (0, 0, width - 1, 0))
        taps = self.weight.squeeze(1).unbind(-1)  # width taps of (channels); the last one is "now"
        return self.bias + sum(padded[:, k : k + length] * taps[k] for k in range(width))


def initial_dt_bias(channels):
    """The softplus inverse of steps that are log-uniform in [1e-3, 1e-1]."""
    dt = torch.exp(torch.empty(channels).uniform_(math.log(1e-3), math.log(1e-1)))
    return dt + torch.log(-torch.expm1(-dt))


class Mixer(nn.Module):
    """Two scans, one along the tokens and one against them, between shared projections.

    The second direction's parameters have the suffix `_b` (but `A_b_log`).
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        d, i, n, r = config.embed_dim, config.d_inner, config.d_state, config.dt_rank
        self.in_proj = nn.Linear(d, 2 * i, bias=False)  # rows: x, z
        for suffix, log in ("", "A_log"), ("_b", "A_b_log"):
            self.add_module(f"conv1d{suffix}", CausalConv(i, config.d_conv))
            self.add_module(f"x_proj{suffix}", nn.Linear(i, r + 2 * n, bias=False))  # rows: dt, B, C
            dt_proj = nn.Linear(r, i)
            nn.init.uniform_(dt_proj.weight, -(r**-0.5), r**-0.5)
            dt_proj.bias.data.copy_(initial_dt_bias(i))
            self.add_module(f"dt_proj{suffix}", dt_proj)
            self.register_parameter(log, nn.Parameter(torch.arange(1.0, n + 1).log().repeat(i, 1)))
            self.register_parameter(f"D{suffix}", nn.Parameter(torch.ones(i)))
        self.out_proj = nn.Linear(i, d, bias=False)

    def direction(self, x, suffix, gap):
        """The scan of x (b, l, i) in the order given, before the gate. gap (b, l) or None: see scan.py."""
        n, r = self.config.d_state, self.config.dt_rank
        conv, x_proj, dt_proj = (getattr(self, f"{name}{suffix}") for name in ("conv1d", "x_proj", "dt_proj"))
        u = F.silu(conv(x))
        dt, B, C = x_proj(u).split([r, n, n], dim=-1)
        dt = F.softplus(F.linear(dt, dt_proj.weight).float() + dt_proj.bias)
        A = -getattr(self, "A_b_log" if suffix else "A_log").exp()
        return scan(u.float(), dt, A.T, B.float(), C.float(), gap) + u * getattr(self, f"D{suffix}")

    def gated(self, tokens, gaps=(None, None)):
        """What out_proj is applied to, (b, l, i). gaps: of the two directions, each in its own order."""
        x, z = self.in_proj(tokens).chunk(2, dim=-1)
        y = (self.direction(x, "", gaps[0]) + self.direction(x.flip(1), "_b", gaps[1]).flip(1)) / 2
        return y * F.silu(z)

    def forward(self, tokens):
        return self.out_proj(self.gated(tokens))


class Block(nn.Module):
    """Norm and mixer; the caller adds the result to the residual stream."""

    def __init__(self, config):
        super().__init__()
        self.norm = nn.RMSNorm(config.embed_dim, eps=config.norm_eps)
        self.mixer = Mixer(config)

    def forward(self, residual):
        return self.mixer(self.norm(residual))


class PatchEmbedding(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.proj = nn.Conv2d(3, config.embed_dim, config.patch_size, config.patch_size)

    def forward(self, pixels):
        """(b, 3, height, width) -> (b, m, d), row by row."""
        return self.proj(pixels).flatten(2).transpose(1, 2)


class VisionMamba(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        d = config.embed_dim
        self.patch_embed = PatchEmbedding(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, d))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.patches + 1, d))
        self.layers = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm_f = nn.RMSNorm(d, eps=config.norm_eps)
        self.head = nn.Linear(d, config.num_classes)
        for vectors in self.cls_token, self.pos_embed:
            nn.init.trunc_normal_(vectors, std=0.02)
        for layer in self.layers:  # keeps the residual stream's scale independent of depth
            layer.mixer.out_proj.weight.data /= math.sqrt(config.depth)

    @property
    def middle(self) -> int:
        """The position of the class token."""
        return self.config.patches // 2

    def tokens(self, pixels):
        """pixels (b, 3, img_size, img_size), normalised -> the tokens (b, l, d) before the first layer."""
        tokens = self.patch_embed(pixels)
        cls_token = self.cls_token.expand(len(tokens), -1, -1)
        return torch.cat([tokens[:, : self.middle], cls_token, tokens[:, self.middle :]], dim=1) + self.pos_embed

    def logits(self, cls_tokens):
        """The class tokens (b, d) after the last layer -> (b, num_classes), float32."""
        return self.head(self.norm_f(cls_tokens)).float()

    def forward(self, pixels):
        residual = self.tokens(pixels)
        for layer in self.layers:
            residual = residual + layer(residual)
        return self.logits(residual[:, self.middle])
