"""Build a network by name."""

import keras

from vocalseg.model_file import Settings
from vocalseg.strided import build_strided
from vocalseg.unet import build_unet

_BUILDERS = {"unet": build_unet, "strided": build_strided}


def build(settings: Settings, precision: str = "float32", momentum: float = 0.9) -> keras.Model:
    """Build the network that a model's settings describe, with initial weights."""
    return _BUILDERS[settings.name](
        settings.bins,
        settings.tile_frames,
        settings.filters,
        settings.depth,
        precision,
        momentum,
        output=settings.output,
        targets=1 if settings.targets == "vocals" else 2,
    )
