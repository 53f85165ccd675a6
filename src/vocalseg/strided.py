"""The U-Net of Jansson et al. (2017), with strided convolutions instead of poolings."""

import keras
from keras.layers import Concatenate, Conv2D, Conv2DTranspose, LeakyReLU, ReLU

from vocalseg import compute
from vocalseg.layers import BatchNormalization
from vocalseg.unet import ACTIVATION


def build_strided(
    bins: int,
    frames: int,
    filters: int,
    depth: int,
    precision: str = "float32",
    momentum: float = 0.9,
    *,
    output: str = "magnitude",
    targets: int = 1,
) -> keras.Model:
    """Build the U-Net of Jansson et al. (2017), the architecture of Spleeter, without its dropout.

    The encoder has ``depth`` 5x5 convolutions of stride 2, each with batch normalisation and leaky
    ReLU (slope 0.2). The decoder has as many transposed convolutions; each but the last is followed
    by batch normalisation, ReLU and a skip connection. The original network is ``build_strided(512,
    128, 16, 6)``, with 9.8 million parameters.

    Parameters
    ----------
    bins, frames, filters, depth : int
        Size of a tile and of the network; see :func:`vocalseg.unet.build_unet`.
    precision : {"auto", "float32", "bfloat16"}
        Number format of the layers.
    momentum : float, in [0, 1)
        Momentum of the moving averages in batch normalisation.
    output : {"magnitude", "mask"}
        Kind of output: a linear last layer, or a sigmoid.
    targets : int
        Number of output channels.

    Returns
    -------
    keras.Model
        (n, bins, frames, 1) to (n, bins, frames, targets), float32.
    """
    compute.check()
    with compute.keras_defaults(compute.choose(precision)):
        mixture = keras.Input((bins, frames, 1), name="mixture")
        x, skips = mixture, []
        for level in range(depth):
            x = Conv2D(filters * 2**level, 5, strides=2, padding="same", use_bias=False)(x)
            x = LeakyReLU(0.2)(BatchNormalization(momentum=momentum)(x))
            skips.append(x)
        for level in reversed(range(1, depth)):
            x = Conv2DTranspose(
                filters * 2 ** (level - 1), 5, strides=2, padding="same", use_bias=False
            )(x)
            x = ReLU()(BatchNormalization(momentum=momentum)(x))
            x = Concatenate()([skips[level - 1], x])
        last = {"activation": ACTIVATION[output], "dtype": "float32", "name": "vocals"}
        vocals = Conv2DTranspose(targets, 5, strides=2, padding="same", **last)(x)
        return keras.Model(mixture, vocals, name="strided")
