"""PlainMamba (Yang et al., 2024) in PyTorch: Mamba-1 blocks that scan the grid of patches along four snakes.

Module and parameter names are those of the authors' checkpoints, and so is what they compute: step k
of every scan has dt, B and C of the k-th patch in raster order, whichever patch its input comes from,
and the bias of dt is added twice.

Shapes use: b batch, h rows and w columns of patches, l = h w tokens, d d_model, i d_inner, r dt_rank, n d_state.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from scan import scan
from vim import initial_dt_bias

STEM_CHANNELS = 64
MOVES = 5
START, RIGHT, LEFT, UP, DOWN = range(MOVES)


@dataclass(frozen=True)
class PlainMambaConfig:
    img_size: int
    patch_size: int
    embed_dims: int
    num_layers: int
    num_classes: int
    num_convs_patch_embed: int
    layers_with_dwconv: tuple
    conv_size: int
    d_state: int = 16
    expand: int = 2
    layer_norm_eps: float = 1e-5
    final_norm_eps: float = 1e-6
    batchnorm_eps: float = 1e-5

    @property
    def d_inner(self) -> int:
        return self.expand * self.embed_dims

    @property
    def dt_rank(self) -> int:
        return math.ceil(self.embed_dims / 16)

    @property
    def side(self) -> int:
        """Patches along a side of the picture."""
        return self.img_size // self.patch_size


def snakes(rows, columns):
    """(orders, moves), both (4, l): the token of each step, and the move that led to it.

    Row by row from the top left, every other row backwards; the same from its end; and both by columns.
    """
    by_row = [(y, x if y % 2 == 0 else columns - 1 - x) for y in range(rows) for x in range(columns)]
    by_column = [(y if x % 2 == 0 else rows - 1 - y, x) for x in range(columns) for y in range(rows)]
    kinds = {(0, 1): RIGHT, (0, -1): LEFT, (-1, 0): UP, (1, 0): DOWN}
    orders, moves = [], []
    for path in by_row, by_row[::-1], by_column, by_column[::-1]:
        orders.append([y * columns + x for y, x in path])
        steps = pairwise(path)
        moves.append([START] + [kinds[to[0] - at[0], to[1] - at[1]] for at, to in steps])
    return torch.tensor(orders), torch.tensor(moves)


def as_grid(tokens, side):
    """(b, l, channels) -> (b, channels, side, side)."""
    return tokens.transpose(1, 2).unflatten(2, (side, side))


def as_tokens(grid):
    return grid.flatten(2).transpose(1, 2)


class Mixer(nn.Module):
    """One 2-D convolution, then the sum of four scans with the same parameters."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        d, i, n, r = config.embed_dims, config.d_inner, config.d_state, config.dt_rank
        self.in_proj = nn.Linear(d, 2 * i)  # rows: x, z
        self.conv2d = nn.Conv2d(i, i, config.conv_size, padding=config.conv_size // 2, groups=i)
        self.x_proj = nn.Linear(i, r + 2 * n, bias=False)  # rows: dt, B, C
        self.dt_proj = nn.Linear(r, i)
        nn.init.uniform_(self.dt_proj.weight, -(r**-0.5), r**-0.5)
        self.dt_proj.bias.data.copy_(initial_dt_bias(i) / 2)
        self.A_log = nn.Parameter(torch.arange(1.0, n + 1).log().repeat(i, 1))
        self.D = nn.Parameter(torch.ones(i))
        self.direction_Bs = nn.Parameter(torch.zeros(MOVES, n))  # what a move adds to B
        nn.init.trunc_normal_(self.direction_Bs, std=0.02)
        self.out_proj = nn.Linear(i, d)
        orders, moves = snakes(config.side, config.side)
        self.register_buffer("orders", orders, persistent=False)
        self.register_buffer("moves", moves, persistent=False)
        self.register_buffer("steps", orders.argsort(1), persistent=False)  # of each token

    def scans(self, u):
        """The sum of the four scans of u (b, l, i), before the gate."""
        n, r = self.config.d_state, self.config.dt_rank
        dt, B, C = self.x_proj(u).split([r, n, n], dim=-1)
        dt = F.softplus(F.linear(dt, self.dt_proj.weight).float() + 2 * self.dt_proj.bias)
        A = -self.A_log.exp()
        y = u.float() * self.D * len(self.orders)
        for order, move, step in zip(self.orders, self.moves, self.steps):
            path = scan(u.float()[:, order], dt, A.T, B.float() + self.direction_Bs[move], C.float())
            y = y + path[:, step]
        return y

    def forward(self, tokens):
        x, z = self.in_proj(tokens).chunk(2, dim=-1)
        u = as_tokens(F.silu(self.conv2d(as_grid(x, self.config.side))))
        return self.out_proj(self.scans(u) * F.silu(z))


class Block(nn.Module):
    """Norm and mixer around the residual stream; `dw`, where a layer has it, replaces the stream."""

    def __init__(self, config, depthwise):
        super().__init__()
        self.side = config.side
        d = config.embed_dims
        self.norm = nn.LayerNorm(d, eps=config.layer_norm_eps)
        self.mamba = Mixer(config)
        if depthwise:
            conv = nn.Conv2d(d, d, 3, padding=1, groups=d, bias=False)
            self.dw = nn.Sequential(conv, nn.BatchNorm2d(d, eps=config.batchnorm_eps), nn.GELU())
        else:
            self.dw = None

    def forward(self, residual):
        residual = residual + self.mamba(self.norm(residual))
        return residual if self.dw is None else as_tokens(self.dw(as_grid(residual, self.side)))


class PatchEmbedding(nn.Module):
    def __init__(self, config):
        super().__init__()
        c, eps = STEM_CHANNELS, config.batchnorm_eps
        half = config.patch_size // 2  # the stem halves the picture

        def convolution(inputs, kernel, stride):
            conv = nn.Conv2d(inputs, c, kernel, stride, padding=kernel // 2, bias=False)
            return conv, nn.BatchNorm2d(c, eps=eps), nn.ReLU()

        self.stem = nn.Sequential(*convolution(3, 7, 2))
        self.convs = nn.Sequential(*(m for _ in range(config.num_convs_patch_embed) for m in convolution(c, 3, 1)))
        self.projection = nn.Conv2d(c, config.embed_dims, half, half)

    def forward(self, pixels):
        """(b, 3, height, width) -> (b, l, d), row by row."""
        return as_tokens(self.projection(self.convs(self.stem(pixels))))


class Backbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        d = config.embed_dims
        self.patch_embed = PatchEmbedding(config)
        self.pos_embed = nn.Parameter(torch.zeros(1, config.side**2, d))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        layers = range(config.num_layers)
        self.layers = nn.ModuleList(Block(config, layer in config.layers_with_dwconv) for layer in layers)
        for layer in self.layers:  # keeps the residual stream's scale independent of depth
            layer.mamba.out_proj.weight.data /= math.sqrt(config.num_layers)
        self.ln1 = nn.LayerNorm(d, eps=config.final_norm_eps)

    def forward(self, pixels):
        residual = self.patch_embed(pixels) + self.pos_embed
        for layer in self.layers:
            residual = layer(residual)
        return self.ln1(residual).mean(1)


class Head(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.fc = nn.Linear(config.embed_dims, config.num_classes)

    def forward(self, features):
        return self.fc(features)


class PlainMamba(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.head = Head(config)

    def forward(self, pixels):
        """pixels (b, 3, img_size, img_size), normalised -> logits (b, num_classes), float32."""
        return self.head(self.backbone(pixels)).float()
