"""ViM in PyTorch on the CPU: the peer of vision.mjs. Its scan is a loop over tokens, as in the reference functions that the models'
authors publish beside their GPU kernels; PyTorch has no operator for it.

A child process of competitor.mjs. Needs torch only.
"""

import json
import struct
import time

import torch
import torch.nn.functional as F
from serve import serve

# ---- weights


def read_safetensors(path):
    """All tensors of a float32 safetensors file by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


# ---- the model


def selective_scan(u, delta, A, B, C, D):
    """h = exp(delta A) h + delta B u; y = C h + D u. u, delta [b, l, e], A [e, n], B, C [b, l, n], D [e]."""
    decay = torch.exp(delta.unsqueeze(-1) * A)
    inputs = (delta * u).unsqueeze(-1) * B.unsqueeze(2)
    state = torch.zeros_like(inputs[:, 0])
    outputs = []
    for t in range(u.shape[1]):
        state = decay[:, t] * state + inputs[:, t]
        outputs.append((state @ C[:, t].unsqueeze(-1)).squeeze(-1))
    return torch.stack(outputs, 1) + u * D


class ViM:
    def __init__(self, weights, config):
        self.weights = weights
        self.config = config
        mixers = [f"layers.{i}.mixer." for i in range(config["layers"])]
        self.rates = {name: -torch.exp(weights[name]) for m in mixers for name in (f"{m}A_log", f"{m}A_b_log")}

    def __call__(self, pixels):
        w, c = self.weights, self.config
        x = F.conv2d(pixels, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=c["stride"])
        x = x.flatten(2).transpose(1, 2)
        middle = x.shape[1] // 2
        token = w["cls_token"].expand(x.shape[0], -1, -1)
        hidden = torch.cat([x[:, :middle], token, x[:, middle:]], 1) + w["pos_embed"]
        residual = torch.zeros_like(hidden)
        for i in range(c["layers"]):
            residual = residual + hidden
            hidden = self.mixer(self.norm(residual, f"layers.{i}.norm.weight"), f"layers.{i}.mixer.")
        features = self.norm((residual + hidden)[:, middle], "norm_f.weight")
        return F.linear(features, w["head.weight"], w["head.bias"])

    def norm(self, x, name):
        return F.rms_norm(x, (x.shape[-1],), self.weights[name], self.config["normEps"])

    def mixer(self, x, prefix):
        x, z = F.linear(x, self.weights[prefix + "in_proj.weight"]).chunk(2, -1)
        gate = F.silu(z)
        forward = self.direction(x, prefix, "", "A_log")
        backward = self.direction(x.flip(1), prefix, "_b", "A_b_log").flip(1)
        y = (forward + backward) * gate
        if self.config["divideOut"]:
            y = y / 2
        return F.linear(y, self.weights[prefix + "out_proj.weight"])

    def direction(self, x, prefix, suffix, rates):
        part = lambda name: self.weights[prefix + name]
        size, rank = self.config["dState"], self.config["dtRank"]
        taps = part(f"conv1d{suffix}.weight")
        padded = F.pad(x.transpose(1, 2), (taps.shape[-1] - 1, 0))
        u = F.silu(F.conv1d(padded, taps, part(f"conv1d{suffix}.bias"), groups=taps.shape[0]).transpose(1, 2))
        low, B, C = F.linear(u, part(f"x_proj{suffix}.weight")).split([rank, size, size], -1)
        delta = F.softplus(F.linear(low, part(f"dt_proj{suffix}.weight"), part(f"dt_proj{suffix}.bias")))
        return selective_scan(u, delta, self.rates[prefix + rates], B, C, part(f"D{suffix}"))


# ---- the process


class Peer:
    def load(self, argument):
        torch.set_num_threads(argument["threads"])
        start = time.perf_counter()
        self.model = ViM(read_safetensors(argument["path"]), argument["config"])
        return {"version": torch.__version__, "engine": "PyTorch", "seconds": time.perf_counter() - start}

    def images(self, argument):
        with open(argument["path"], "rb") as file:
            data = bytearray(file.read())
        self.pixels = torch.frombuffer(data, dtype=torch.float32).reshape(argument["shape"])

    def logits(self, _argument):
        return self.model(self.pixels).flatten().tolist()

    def forward(self, _argument):
        start = time.perf_counter()
        self.model(self.pixels)
        return time.perf_counter() - start


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    serve(Peer())
