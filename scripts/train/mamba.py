"""The mixer of a Mamba-1 language model in PyTorch, to be read next to the paper (Gu & Dao, 2023).

Parameter names are those of the Hugging Face `mamba` format; language_model.py has the rest of the
model. No biases but the convolution's and dt_proj's.

Shapes use: b batch, l sequence length, d d_model, i d_inner, r dt_rank, n d_state.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from mamba2 import CausalConv
from scan import scan
from vim import initial_dt_bias


@dataclass(frozen=True)
class MambaConfig:
    vocab_size: int
    d_model: int
    n_layer: int
    d_state: int
    expand: int = 2
    d_conv: int = 4
    norm_eps: float = 1e-5

    chunk_size = 1  # tokens that a sequence's length must be a multiple of

    @property
    def mixer(self):
        return Mixer

    @property
    def d_inner(self) -> int:
        return self.expand * self.d_model

    @property
    def dt_rank(self) -> int:
        return math.ceil(self.d_model / 16)


class Mixer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        d, i, n, r = config.d_model, config.d_inner, config.d_state, config.dt_rank
        self.in_proj = nn.Linear(d, 2 * i, bias=False)  # rows: x, z
        self.conv1d = CausalConv(i, config.d_conv)
        self.x_proj = nn.Linear(i, r + 2 * n, bias=False)  # rows: dt, B, C
        self.dt_proj = nn.Linear(r, i)
        nn.init.uniform_(self.dt_proj.weight, -(r**-0.5), r**-0.5)
        self.dt_proj.bias.data.copy_(initial_dt_bias(i))
        self.A_log = nn.Parameter(torch.arange(1.0, n + 1).log().repeat(i, 1))
        self.D = nn.Parameter(torch.ones(i))
        self.out_proj = nn.Linear(i, d, bias=False)

    def forward(self, u):
        n, r = self.config.d_state, self.config.dt_rank
        x, z = self.in_proj(u).chunk(2, dim=-1)
        x = F.silu(self.conv1d(x))
        dt, B, C = self.x_proj(x).split([r, n, n], dim=-1)
        dt = F.softplus(F.linear(dt, self.dt_proj.weight).float() + self.dt_proj.bias)
        y = scan(x.float(), dt, -self.A_log.exp().T, B.float(), C.float()) + x * self.D
        return self.out_proj(y * F.silu(z))
