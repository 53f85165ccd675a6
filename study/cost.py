"""Number of parameters and multiplications of a network, from its layers."""

from math import prod

from stages.schema.params import Params
from vocalseg import networks
from vocalseg.model_file import Settings


def network_cost(params: Params) -> tuple[int, int]:
    """Count the parameters and multiplications of an experiment's network.

    Parameters
    ----------
    params : Params
        All parameters of the experiment.

    Returns
    -------
    parameters : int
    multiplications : int
        Of all convolutions, for one tile.
    """
    shape = params.model.model_dump(exclude={"momentum"})
    stft, audio = params.stft.model_dump(), params.audio.model_dump()
    settings = Settings(**audio, **stft, **params.normalize.model_dump(), **shape)
    model = networks.build(settings)
    return model.count_params(), sum(map(_multiplications, model.layers))


def _multiplications(layer) -> int:
    """Multiplications of a layer; a transposed convolution applies its kernel to each *input*."""
    if not hasattr(layer, "kernel"):
        return 0
    grid = layer.input if "transpose" in type(layer).__name__.lower() else layer.output
    return prod(grid.shape[1:3]) * prod(layer.kernel.shape)
