"""The selective scan as a PyTorch operator: scan.cc, compiled once for this processor.

    h_t = exp(dt_t A) h_{t-1} + dt_t u_t B_t,   y_t = h_t . C_t,   from h = 0

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


def call(name, u, A, *tensors):
    """Calls `name` of scan.cc for the shapes of u (b, l, i) and A (n, i)."""
    shape = (ctypes.c_size_t * 4)(*u.shape, A.shape[0])
    getattr(library(), name)(shape, *(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors))


@torch.library.custom_op("skipscan_train::scan", mutates_args=())
def scan(u: torch.Tensor, dt: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
    """u and dt (b, l, i), A (n, i), B and C (b, l, n), all float32 -> y (b, l, i)."""
    u, dt, A, B, C = (tensor.contiguous() for tensor in (u, dt, A, B, C))
    y = torch.zeros_like(u)
    call("scan_forward", u, A, u, dt, A, B, C, y)
    return y


@torch.library.custom_op("skipscan_train::scan_backward", mutates_args=())
def scan_backward(
    u: torch.Tensor, dt: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor, dy: torch.Tensor
) -> list[torch.Tensor]:
    inputs = [tensor.contiguous() for tensor in (u, dt, A, B, C)]
    gradients = [torch.zeros_like(tensor) for tensor in inputs]
    call("scan_backward", inputs[0], inputs[2], *inputs, dy.contiguous(), *gradients)
    return gradients


@scan.register_fake
def _(u, dt, A, B, C):
    return torch.empty(u.shape)


@scan_backward.register_fake
def _(u, dt, A, B, C, dy):
    return [torch.empty(tensor.shape) for tensor in (u, dt, A, B, C)]


def keep_inputs(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, dy):
    return tuple(scan_backward(*ctx.saved_tensors, dy))


scan.register_autograd(backward, setup_context=keep_inputs)
