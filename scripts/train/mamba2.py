"""The mixer of a Mamba-2 language model in PyTorch, to be read next to the paper (Dao & Gu, 2024).

Parameter names are those of the Hugging Face `mamba2` format; language_model.py has the rest of the
model. One group (B and C are shared by all heads), no biases but the convolution's.

Shapes use: b batch, l sequence length, d d_model, i d_inner, h heads, p head_dim, n d_state,
c chunks of q tokens.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Mamba2Config:
    vocab_size: int
    d_model: int
    n_layer: int
    head_dim: int
    d_state: int
    chunk_size: int
    expand: int = 2
    d_conv: int = 4
    norm_eps: float = 1e-5

    @property
    def mixer(self):
        return Mixer

    @property
    def d_inner(self) -> int:
        return self.expand * self.d_model

    @property
    def n_heads(self) -> int:
        return self.d_inner // self.head_dim


def ssd(x, dt, A, B, C, chunk_size):
    """The recurrence  S_t = exp(dt_t A) S_{t-1} + dt_t B_t x_t^T,  y_t = C_t S_t,  from S = 0.

    Evaluated as matrix products over chunks of q tokens: inside a chunk it is a masked attention
    whose scores decay with distance; between chunks only the state S is handed on.

    x (b, l, h, p), dt (b, l, h), A (h), B and C (b, l, n) -> y (b, l, h, p). q must divide l.
    """
    b, l, h, p = x.shape
    n, q = B.shape[-1], chunk_size
    c = l // q
    x = (x * dt.unsqueeze(-1)).view(b, c, q, h, p)
    B, C = B.view(b, c, q, n), C.view(b, c, q, n)
    # log_decay[.., t] = sum of dt A over the tokens of the chunk up to and including t
    log_decay = (dt * A).view(b, c, q, h).cumsum(2)

    # Inside the chunks: y_t += sum_{s <= t} (C_t . B_s) exp(log_decay_t - log_decay_s) x_s.
    # The upper triangle is masked before the exponential, where it could overflow.
    by_head = log_decay.transpose(2, 3)  # (b, c, h, q)
    future = torch.ones(q, q, dtype=torch.bool, device=x.device).triu(1)
    decay = (by_head.unsqueeze(-1) - by_head.unsqueeze(-2)).masked_fill(future, -math.inf).exp()
    scores = (C @ B.transpose(-1, -2)).unsqueeze(2) * decay  # (b, c, h, q, q)
    y = (scores @ x.transpose(2, 3)).transpose(2, 3)  # (b, c, q, h, p)

    # What each chunk adds to the state, decayed to the chunk's end.
    to_end = (log_decay[:, :, -1:] - log_decay).exp()  # (b, c, q, h)
    added = B.transpose(-1, -2) @ (x * to_end.unsqueeze(-1)).flatten(3)  # (b, c, n, h p)

    # The state at the start of each chunk: the only sequential part.
    chunk_decay = log_decay[:, :, -1].exp().repeat_interleave(p, dim=-1).unsqueeze(2)  # (b, c, 1, h p)
    state = torch.zeros_like(added[:, 0])
    states = []
    for k in range(c):
        states.append(state)
        state = state * chunk_decay[:, k] + added[:, k]

    # What the state at the chunk's start contributes to each of its tokens.
    carried = (C @ torch.stack(states, dim=1)).view(b, c, q, h, p)
    return (y + carried * log_decay.exp().unsqueeze(-1)).reshape(b, l, h, p)


class CausalConv(nn.Conv1d):
    """Depthwise causal convolution over (b, l, channels): output t sees inputs t-width+1 .. t."""

    def __init__(self, channels, width):
        super().__init__(channels, channels, width, groups=channels)

    def forward(self, x):
        width, length = self.kernel_size[0], x.shape[1]
        padded = F.pad(x, (0, 0, width - 1, 0))
        taps = self.weight.squeeze(1).unbind(-1)  # width taps of (channels); the last one is "now"
        out = self.bias + padded[:, :length] * taps[0]
        for k in range(1, width):
            out = torch.addcmul(out, padded[:, k : k + length], taps[k])
        return out


class GatedRMSNorm(nn.RMSNorm):
    def forward(self, y, z):
        return super().forward(y * F.silu(z))


class Mixer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        d, i, n, h = config.d_model, config.d_inner, config.d_state, config.n_heads
        self.in_proj = nn.Linear(d, 2 * i + 2 * n + h, bias=False)  # rows: z, x, B, C, dt
        self.conv1d = CausalConv(i + 2 * n, config.d_conv)
        # dt starts log-uniform in [1e-3, 1e-1] and A uniform in [1, 16], so heads differ in memory.
        dt = torch.exp(torch.empty(h).uniform_(math.log(1e-3), math.log(1e-1)))
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # the inverse of softplus
        self.A_log = nn.Parameter(torch.empty(h).uniform_(1, 16).log())
        self.D = nn.Parameter(torch.ones(h))
        self.norm = GatedRMSNorm(i, eps=config.norm_eps)
        self.out_proj = nn.Linear(i, d, bias=False)

    def forward(self, u):
        i, n, h, p = (getattr(self.config, k) for k in ("d_inner", "d_state", "n_heads", "head_dim"))
        z, xBC, dt = self.in_proj(u).split([i, i + 2 * n, h], dim=-1)
        x, B, C = F.silu(self.conv1d(xBC)).split([i, n, n], dim=-1)
        x = x.unflatten(-1, (h, p))
        dt = F.softplus(dt.float() + self.dt_bias)
        y = ssd(x, dt, -self.A_log.exp(), B, C, self.config.chunk_size) + x * self.D.unsqueeze(-1)
        return self.out_proj(self.norm(y.flatten(-2), z))
