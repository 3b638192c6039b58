"""Checks a shipped vision model against an independent forward pass and writes the tests' golden file.

    python scripts/train/make_vision_golden.py --reference FILE --model tiny-vim
    python scripts/train/make_vision_golden.py --reference FILE --model tiny-plainmamba

FILE is the NumPy reference of the reduction's specification, whose classes ViM and PlainMamba run a
folder in float64. Asserts that its logits are those of vim.py or plain_mamba.py for tiny-vim's sample
pictures, of ViM also with tokens pruned as the fine-tuning does, and writes
test/fixtures/<model>-golden.json: the logits, and what the preprocessing gives for each picture.
"""

import argparse
import hashlib
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image
from safetensors.torch import save_file

import preprocessing
import vision_checkpoint
from pruning import pruned_pass, pruning_for
from weights import read_weights

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "models/tiny-vim/samples"
FAMILIES = {"tiny-vim": "ViM", "tiny-plainmamba": "PlainMamba"}  # of the reference
LOGIT_TOLERANCE = 1e-4


def reference_model(source, family, folder):
    """The reference's class `family` in float64 of the folder's weights, which it reads as float32 only."""
    spec = importlib.util.spec_from_file_location("reference", source)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    with tempfile.TemporaryDirectory() as widened:
        shutil.copy(folder / "config.json", widened)
        save_file(read_weights(folder), Path(widened) / "model.safetensors")
        return getattr(reference, family)(widened)


def check_pruning(own, reference, pixels):
    """Asserts that a VisionMamba prunes as the reference does."""
    for alignment in "none", "next":
        pruning = pruning_for(0.3, own, "clip", alignment)
        logits, positions = pruned_pass(own, pruning, torch.from_numpy(pixels)[None])
        policy = {"name": "prune", "keep": pruning.keep}
        expected = reference.run(pixels, layers=pruning.layers, policy=policy, metric="clip", alignment=alignment)
        assert positions[0].tolist() == expected["kept"][-1].tolist()
        assert np.abs(logits[0].numpy() - expected["logits"]).max() < LOGIT_TOLERANCE


def rounded(values, digits):
    return [round(value, digits) for value in np.asarray(values).tolist()]


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=FAMILIES, default="tiny-vim")
    parser.add_argument("--reference", type=Path, required=True)
    options = parser.parse_args()

    torch.set_num_threads(1)
    folder = ROOT / "models" / options.model
    reference = reference_model(options.reference, FAMILIES[options.model], folder)
    own = vision_checkpoint.load(folder)
    labels = (folder / "labels.txt").read_text().splitlines()

    samples = []
    for path in sorted(SAMPLES.iterdir()):
        with Image.open(path) as image:
            pixels = preprocessing.normalise(preprocessing.crop(image))
            size = image.size
        logits = reference.run(pixels)["logits"]
        difference = np.abs(own(torch.from_numpy(pixels)[None])[0].numpy() - logits).max()
        best = int(logits.argmax())
        print(f"{path.name}: {labels[best]}; logits within {difference:.1e} of PyTorch's")
        assert difference < LOGIT_TOLERANCE
        if options.model == "tiny-vim":
            check_pruning(own, reference, pixels)
        samples.append(
            {
                "file": path.name,
                "width": size[0],
                "height": size[1],
                "pixels": {
                    "mean": rounded(pixels.mean((1, 2), dtype=np.float64), 6),
                    "deviation": rounded(pixels.std((1, 2), dtype=np.float64), 6),
                    "firstRowOfRed": rounded(pixels[0, 0, :8], 6),
                },
                "label": best,
                "logits": rounded(logits, 6),
            }
        )

    golden = {
        "reference": "the specification's NumPy reference, float64 arithmetic on the bfloat16 weights; "
        f"pictures read and resized by Pillow {PIL.__version__}",
        "weightsSha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "labels": labels,
        "samples": samples,
    }
    out = ROOT / f"test/fixtures/{options.model}-golden.json"
    out.write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
