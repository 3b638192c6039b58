#!/usr/bin/env python3
"""Times mamba_ssm's scans and causal_conv1d at the shapes of bench_kernels, by the same method: CUDA events round one call,
the L2 cache written over before each, the median of several. A peer that is not installed is left out.

    peers.py --found                      succeeds if there is a peer
    peers.py [--device cuda:0] [--rounds 30] --json FILE
"""

import argparse
import importlib
import json
import sys

MODULES = {
    "selective_scan": ("mamba_ssm.ops.selective_scan_interface", "selective_scan_fn"),
    "ssd_scan": ("mamba_ssm.ops.triton.ssd_combined", "mamba_chunk_scan_combined"),
    "selective_step": ("mamba_ssm.ops.triton.selective_state_update", "selective_state_update"),
    "causal_conv": ("causal_conv1d", "causal_conv1d_fn"),
}
WARM_UPS = 5
CACHES = 4  # how many times the L2 cache is written over


def find():
    """The peers' functions that can be imported, by name, and why the others cannot."""
    found, absent = {}, {}
    for name, (module, function) in MODULES.items():
        try:
            found[name] = getattr(importlib.import_module(module), function)
        except Exception as error:  # an extension that does not load raises more than ImportError
            absent[name] = f"{type(error).__name__}: {error}"
    return found, absent


class Timer:
    def __init__(self, torch, device, rounds):
        self.torch, self.rounds = torch, rounds
        cache = torch.cuda.get_device_properties(device).L2_cache_size
        self.flushed = torch.empty(CACHES * cache, dtype=torch.uint8, device=device)

    def time(self, call):
        """Microseconds: median, least and most."""
        for _ in range(WARM_UPS):
            call()
        times = []
        for _ in range(self.rounds):
            self.flushed.fill_(1)
            start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            call()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) * 1e3)
        times.sort()
        return {"median": times[len(times) // 2], "min": times[0], "max": times[-1]}


def uniform(torch, device, shape, low, high, dtype):
    return (torch.rand(shape, device=device) * (high - low) + low).to(dtype)


def selective_scan(torch, device, function, batch, length, dtype, channels=5120, d_state=16):
    def make(shape, low, high, kind=dtype):
        return uniform(torch, device, shape, low, high, kind)

    u, z = (make((batch, channels, length), -1, 1) for _ in range(2))
    delta = make((batch, channels, length), -4, 1)
    a = make((channels, d_state), -8, -0.5, torch.float32)
    b, c = (make((batch, d_state, length), -1, 1) for _ in range(2))
    d, bias = (make((channels,), -1, 1, torch.float32) for _ in range(2))
    return lambda: function(u, delta, a, b, c, d, z, bias, delta_softplus=True, return_last_state=True)


def ssd_scan(torch, device, function, batch, length, dtype, heads=80, head_dim=64, d_state=128, chunk=256):
    def make(shape, low, high, kind=dtype):
        return uniform(torch, device, shape, low, high, kind)

    x = make((batch, length, heads, head_dim), -1, 1)
    dt = make((batch, length, heads), -4, 1)
    a = make((heads,), -8, -0.5, torch.float32)
    b, c = (make((batch, length, 1, d_state), -1, 1) for _ in range(2))
    d, bias = (make((heads,), -1, 1, torch.float32) for _ in range(2))
    return lambda: function(
        x, dt, a, b, c, chunk, D=d, dt_bias=bias, dt_softplus=True, return_final_states=True
    )


def selective_step(torch, device, function, batch, _length, dtype, channels=5120, d_state=16):
    def make(shape, low, high, kind=dtype):
        return uniform(torch, device, shape, low, high, kind)

    state = make((batch, channels, d_state), -1, 1, torch.float32)
    x, z = (make((batch, channels), -1, 1) for _ in range(2))
    dt = make((batch, channels), -4, 1)
    a = make((channels, d_state), -8, -0.5, torch.float32)
    b, c = (make((batch, d_state), -1, 1) for _ in range(2))
    d, bias = (make((channels,), -1, 1, torch.float32) for _ in range(2))
    return lambda: function(state, x, dt, a, b, c, d, z, bias, dt_softplus=True)


def causal_conv(torch, device, function, batch, length, dtype, channels=5120, width=4):
    # Channels last, as the models call it.
    x = uniform(torch, device, (batch, length, channels), -1, 1, dtype).transpose(1, 2)
    weight = uniform(torch, device, (channels, width), -0.5, 0.5, dtype)
    bias = uniform(torch, device, (channels,), -0.5, 0.5, dtype)
    return lambda: function(x, weight, bias, activation="silu")


def cases(torch):
    """What bench_kernels calls it, the peer's function, and the builder with its arguments."""
    bf16, f16, f32 = torch.bfloat16, torch.float16, torch.float32
    names = {bf16: "bf16", f16: "f16", f32: "f32"}
    for op, builder, rest in (
        ("selective_scan", selective_scan, "E 5120 N 16"),
        ("ssd_scan", ssd_scan, "H 80 P 64 N 128"),
    ):
        for batch, dtype in ((1, bf16), (8, bf16), (64, bf16), (8, f32), (8, f16)):
            yield op, "dense", f"B {batch} L 2048 {rest}", names[dtype], op, builder, (batch, 2048, dtype)
    for batch in (1, 64):
        shape = f"B {batch} L 1 E 5120 N 16"
        yield "selective_scan", "step", shape, "bf16", "selective_step", selective_step, (batch, 1, bf16)
    for batch in (1, 8):
        shape = f"B {batch} L 2048 C 5120 W 4"
        yield "causal_conv", "dense", shape, "bf16", "causal_conv", causal_conv, (batch, 2048, bf16)


def versions(names):
    result = {}
    for name in names:
        try:
            result[name] = importlib.import_module(name).__version__
        except Exception:
            continue
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--found", action="store_true")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json")
    options = parser.parse_args()
    found, absent = find()
    if options.found:
        sys.exit(0 if found else 1)

    import torch

    torch.manual_seed(0)
    torch.cuda.set_device(options.device)
    timer = Timer(torch, options.device, options.rounds)
    results = []
    for op, variant, shape, dtype, peer, builder, arguments in cases(torch):
        if peer not in found:
            continue
        result = {"op": op, "variant": variant, "shape": shape, "dtype": dtype, "peer": MODULES[peer][1]}
        try:
            with torch.no_grad():
                call = builder(torch, options.device, found[peer], *arguments)
                result["microseconds"] = timer.time(call)
            print(f"{op:16} {variant:6} {shape:28} {dtype:5} {result['microseconds']['median']:10.1f} us")
        except Exception as error:  # one peer that does not run must not hide the others
            result["failed"] = f"{type(error).__name__}: {error}"
            print(f"{op:16} {variant:6} {shape:28} {dtype:5} failed: {result['failed'].splitlines()[0]}")
        results.append(result)
        torch.cuda.empty_cache()
    report = {
        "versions": versions(["torch", "triton", "mamba_ssm", "causal_conv1d"]),
        "absent": absent,
        "results": results,
    }
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
