"""The network (paper, section IV-B), nothing else."""

import keras
from keras.layers import Conv2D, Conv2DTranspose, MaxPooling2D, ReLU

from vocalseg import compute
from vocalseg.layers import BatchNormalization, JoinedConvolution


def build_unet(
    bins: int, frames: int, filters: int, depth: int, precision: str = "float32"
) -> keras.Model:
    """U-Net from a scaled mixture tile to a scaled vocal tile.

    ``depth`` levels of two 3x3 convolutions with batch normalisation and ReLU each, joined by 2x2
    max-pooling on the way down and by 2x2 transposed convolutions with skip connections on the way
    up; filters double at each level; one linear 1x1 convolution ends it. The paper's network is
    ``build_unet(512, 128, 64, 4)``: 31.0 million parameters.

    Parameters
    ----------
    bins, frames : int
        Size of a tile; both multiples of ``2**depth``.
    filters : int
        Of the first block.
    depth : int
    precision : {"auto", "float32", "bfloat16"}
        What its layers compute in (see :func:`vocalseg.compute.choose`); its weights and its output
        are float32.

    Returns
    -------
    keras.Model
        (n, bins, frames, 1) to the same shape, float32.
    """
    compute.check()
    with compute.keras_defaults(compute.choose(precision)):
        mixture = keras.Input((bins, frames, 1), name="mixture")
        x, skips = mixture, []
        for level in range(depth):
            x = _block(x, filters * 2**level)
            skips.append(x)
            x = MaxPooling2D(2)(x)
        x = _block(x, filters * 2**depth)
        for level in reversed(range(depth)):
            x = Conv2DTranspose(filters * 2**level, 2, strides=2, padding="same")(x)
            x = _block([skips[level], x], filters * 2**level)
        vocals = Conv2D(1, 1, dtype="float32", name="vocals")(x)
        return keras.Model(mixture, vocals, name="unet")


def _block(x, filters: int):
    # Biases would be cancelled by the normalisation that follows.
    if isinstance(x, list):
        x = JoinedConvolution(filters)(x)
    else:
        x = Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = _normalised(x)
    return _normalised(Conv2D(filters, 3, padding="same", use_bias=False)(x))


def _normalised(x):
    # Keras' default, 0.99, forgets its initial variance of 1 in about 1,000 steps: until then a
    # network that trains well predicts nothing.
    return ReLU()(BatchNormalization(momentum=0.9)(x))
