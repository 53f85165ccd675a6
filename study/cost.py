"""What a network computes for a tile, from its layers."""

from math import prod

from stages.schema.params import Params
from vocalseg import networks
from vocalseg.model_file import Settings


def of(params: Params) -> tuple[int, int]:
    """Parameters of an experiment's network, and multiplications of its convolutions for a tile."""
    shape = params.model.model_dump(exclude={"momentum"})
    stft, audio = params.stft.model_dump(), params.audio.model_dump()
    settings = Settings(**audio, **stft, **params.normalize.model_dump(), **shape)
    model = networks.build(settings)
    return model.count_params(), sum(map(_multiplications, model.layers))


def _multiplications(layer) -> int:
    """Of a convolution; a transposed one spreads each *input* over its kernel."""
    if not hasattr(layer, "kernel"):
        return 0
    grid = layer.input if "transpose" in type(layer).__name__.lower() else layer.output
    return prod(grid.shape[1:3]) * prod(layer.kernel.shape)
