"""Writes and reads the files that every model folder has: bfloat16 weights and JSON."""

import json

from safetensors.torch import load_file
from safetensors.torch import save as serialize


def write_weights(model, folder):
    """model.safetensors with every tensor of the model's state: counters as they are, all others rounded to bfloat16."""
    weights = {
        name: (tensor.bfloat16() if tensor.is_floating_point() else tensor).detach().contiguous()
        for name, tensor in model.state_dict().items()
    }
    (folder / "model.safetensors").write_bytes(serialize(weights, metadata={"format": "pt"}))


def read_weights(folder):
    """{name: tensor} of model.safetensors, its bfloat16 widened to float32."""
    weights = load_file(folder / "model.safetensors")
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
