"""From a picture to the model's input: the evaluation on ImageNet, at 64 x 64."""

import numpy as np
from PIL import Image

CROP = 64
SIDE = int(CROP / 0.875)  # the shorter side before the crop
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's training pictures, red to blue


def crop(image):
    """The resized picture's middle, levels (3, CROP, CROP) of uint8."""
    size = tuple(SIDE * side // min(image.size) for side in image.size)
    image = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    left, top = (round((side - CROP) / 2) for side in size)
    return np.asarray(image.crop((left, top, left + CROP, top + CROP))).transpose(2, 0, 1)


def normalise(levels):
    """Levels (.., 3, CROP, CROP) of uint8 -> the model's input, float32."""
    mean, deviation = (np.array(values, np.float32)[:, None, None] for values in (MEAN, DEVIATION))
    return (levels.astype(np.float32) / 255 - mean) / deviation
