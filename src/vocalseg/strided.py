"""The field's U-Net: it halves with its convolutions and never computes at full resolution."""

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
    """U-Net of Jansson et al. (2017), the shape of Spleeter, without its dropout.

    ``depth`` 5x5 convolutions of stride 2 with batch normalisation and leaky ReLU (slope 0.2) on
    the way down, as many transposed ones on the way up, each but the last with batch normalisation
    and ReLU, then joined with the layer of its size on the way down. Theirs is
    ``build_strided(512, 128, 16, 6)``: 9.8 million parameters. The arguments are those of
    :func:`vocalseg.unet.build_unet`.
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
