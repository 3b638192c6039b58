"""Writes and reads a model folder with the names of the authors' ViM and PlainMamba checkpoints."""

import json
from dataclasses import asdict, fields

from plain_mamba import PlainMamba, PlainMambaConfig
from vim import VimConfig, VisionMamba
from weights import read_weights, write_json, write_weights


def stored_config(config):
    """The config.json of a VimConfig or a PlainMambaConfig: the fields of the authors' constructors."""
    if isinstance(config, PlainMambaConfig):
        return {**asdict(config), "dt_rank": config.dt_rank, "grid": [config.side, config.side]}
    return {
        "img_size": config.img_size,
        "patch_size": config.patch_size,
        "stride": config.patch_size,
        **{key: value for key, value in asdict(config).items() if key not in ("img_size", "patch_size", "norm_eps")},
        "dt_rank": config.dt_rank,
        "norm_eps": config.norm_eps,
        "if_divide_out": True,
    }


def save(model, labels, folder):
    """Writes config.json, model.safetensors and labels.txt; the weights are rounded to bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", stored_config(model.config))
    write_weights(model, folder)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")


def load(folder):
    """The VisionMamba or PlainMamba in `folder`, its stored weights widened to float32."""
    stored = json.loads((folder / "config.json").read_text())
    family, shape = (PlainMamba, PlainMambaConfig) if "embed_dims" in stored else (VisionMamba, VimConfig)
    model = family(shape(**{field.name: stored[field.name] for field in fields(shape)}))
    model.load_state_dict(read_weights(folder))
    return model.eval()
