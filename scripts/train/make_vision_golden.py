"""Checks models/tiny-vim against an independent forward pass and writes the tests' golden file.

    python scripts/train/make_vision_golden.py --reference FILE

FILE is the NumPy reference of the reduction's specification, whose class ViM runs a folder in
float64. Asserts that its logits are those of vim.py for the sample pictures, and writes
test/fixtures/tiny-vim-golden.json: the logits, and what the preprocessing gives for each picture.
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
from weights import read_weights

ROOT = Path(__file__).resolve().parents[2]
LOGIT_TOLERANCE = 1e-4


def reference_model(source, folder):
    """The reference's ViM in float64 of the folder's weights, which it reads as float32 only."""
    spec = importlib.util.spec_from_file_location("reference", source)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    with tempfile.TemporaryDirectory() as widened:
        shutil.copy(folder / "config.json", widened)
        save_file(read_weights(folder), Path(widened) / "model.safetensors")
        return reference.ViM(widened)


def rounded(values, digits):
    return [round(value, digits) for value in np.asarray(values).tolist()]


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models/tiny-vim")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "test/fixtures/tiny-vim-golden.json")
    options = parser.parse_args()

    torch.set_num_threads(1)
    reference = reference_model(options.reference, options.model)
    own = vision_checkpoint.load(options.model)
    labels = (options.model / "labels.txt").read_text().splitlines()

    samples = []
    for path in sorted((options.model / "samples").iterdir()):
        with Image.open(path) as image:
            pixels = preprocessing.normalise(preprocessing.crop(image))
            size = image.size
        logits = reference.run(pixels)["logits"]
        difference = np.abs(own(torch.from_numpy(pixels)[None])[0].numpy() - logits).max()
        best = int(logits.argmax())
        print(f"{path.name}: {labels[best]}; logits within {difference:.1e} of vim.py's")
        assert difference < LOGIT_TOLERANCE
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
        "weightsSha256": hashlib.sha256((options.model / "model.safetensors").read_bytes()).hexdigest(),
        "labels": labels,
        "samples": samples,
    }
    options.out.write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
