"""The U-Net of the paper (section IV-B)."""

import keras
from keras.layers import Conv2D, Conv2DTranspose, MaxPooling2D, ReLU

from vocalseg import compute
from vocalseg.layers import BatchNormalization, JoinedConvolution

#: Activation of the last layer for each kind of output.
ACTIVATION = {"magnitude": "linear", "mask": "sigmoid"}


def build_unet(
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
    """U-Net from a scaled mixture tile to a scaled vocal tile, or to a mask.

    ``depth`` levels of two 3x3 convolutions with batch normalisation and ReLU each, joined by 2x2
    max-pooling on the way down and by 2x2 transposed convolutions with skip connections on the way
    up; filters double at each level; one 1x1 convolution ends it. The paper's network is
    ``build_unet(512, 128, 64, 4)``: 31.0 million parameters.

    Parameters
    ----------
    bins, frames : int
        Size of a tile; both multiples of ``2**depth``.
    filters : int
        Number of filters in the first block.
    depth : int
        Number of levels, each with a pooling.
    precision : {"auto", "float32", "bfloat16"}
        Number format of the layers (see :func:`vocalseg.compute.choose`); weights and output are
        float32.
    momentum : float, in [0, 1)
        Momentum of the moving averages in batch normalisation; it only affects training. With
        Keras' default of 0.99 (the published code), the initial variance of 1 still has a weight of
        37 % after 100 steps, so that a well-trained network predicts nothing in its first epochs.
    output : {"magnitude", "mask"}
        ``magnitude``: the last layer is linear, as in the paper; ``mask``: a sigmoid.
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
            x = _block(x, filters * 2**level, momentum)
            skips.append(x)
            x = MaxPooling2D(2)(x)
        x = _block(x, filters * 2**depth, momentum)
        for level in reversed(range(depth)):
            x = Conv2DTranspose(filters * 2**level, 2, strides=2, padding="same")(x)
            x = _block([skips[level], x], filters * 2**level, momentum)
        last = ACTIVATION[output]
        vocals = Conv2D(targets, 1, activation=last, dtype="float32", name="vocals")(x)
        return keras.Model(mixture, vocals, name="unet")


def _block(x, filters: int, momentum: float):
    # A bias would be cancelled by the normalisation that follows.
    if isinstance(x, list):
        x = JoinedConvolution(filters)(x)
    else:
        x = Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = ReLU()(BatchNormalization(momentum=momentum)(x))
    x = Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return ReLU()(BatchNormalization(momentum=momentum)(x))
