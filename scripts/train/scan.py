"""The selective scan as a PyTorch operator: scan.cc, compiled once for this processor.

    h_t = exp(gap_t dt_t A) h_{t-1} + dt_t u_t B_t,   y_t = h_t . C_t,   from h = 0

gap is 1, or where tokens were pruned the steps since the token before.
PyTorch's own operators would write every state of every step to memory; a loop that keeps them in
the cache trains several times as fast on one thread.
"""

import ctypes
import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch

SOURCE = Path(__file__).with_name("scan.cc")
COMPILE = ["-std=c++20", "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC"]


@cache
def library():
    """The compiled scan.cc; kept in the folder for temporary files under a name made of its text."""
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join(COMPILE).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"skipscan-train-scan-{digest}.so"
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CXX", "g++"), *COMPILE, str(SOURCE), "-o", str(fresh)], check=True)
        fresh.replace(path)
    return ctypes.CDLL(str(path))


def call(name, gap, u, dt, A, B, C, *tensors):
    """Calls `name` of scan.cc for the shapes of u (b, l, i) and A (n, i)."""
    shape = (ctypes.c_size_t * 4)(*u.shape, A.shape[0])
    gap = torch.ones(u.shape[:2]) if gap is None else gap.contiguous()
    pointers = (ctypes.c_void_p(tensor.data_ptr()) for tensor in (gap, u, dt, A, B, C, *tensors))
    getattr(library(), name)(shape, *pointers)


@torch.library.custom_op("skipscan_train::scan", mutates_args=())
def scan(
    u: torch.Tensor,
    dt: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    gap: torch.Tensor | None = None,
) -> torch.Tensor:
    """u and dt (b, l, i), A (n, i), B and C (b, l, n), gap (b, l), all float32 -> y (b, l, i). gap has no gradient."""
    inputs = [tensor.contiguous() for tensor in (u, dt, A, B, C)]
    y = torch.zeros_like(inputs[0])
    call("scan_forward", gap, *inputs, y)
    return y


@torch.library.custom_op("skipscan_train::scan_backward", mutates_args=())
def scan_backward(
    u: torch.Tensor,
    dt: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    gap: torch.Tensor | None,
    dy: torch.Tensor,
) -> list[torch.Tensor]:
    inputs = [tensor.contiguous() for tensor in (u, dt, A, B, C)]
    gradients = [torch.zeros_like(tensor) for tensor in inputs]
    call("scan_backward", gap, *inputs, dy.contiguous(), *gradients)
    return gradients


@scan.register_fake
def _(u, dt, A, B, C, gap=None):
    return torch.empty(u.shape)


@scan_backward.register_fake
def _(u, dt, A, B, C, gap, dy):
    return [torch.empty(tensor.shape) for tensor in (u, dt, A, B, C)]


def keep_inputs(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, dy):
    return *scan_backward(*ctx.saved_tensors, dy), None


scan.register_autograd(backward, setup_context=keep_inputs)
