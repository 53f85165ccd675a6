"""The network (paper, section IV-B), nothing else."""

import keras
from keras import layers


def build_unet(
    bins: int, frames: int, filters: int, depth: int, momentum: float = 0.9
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
    momentum : float, in [0, 1)
        Of the running averages in batch normalisation; it matters in training only. Keras' default,
        0.99 (the published code), still gives 37 % weight to the initial variance of 1 after 100
        steps: a network that trains well predicts nothing in its first epochs.

    Returns
    -------
    keras.Model
        (n, bins, frames, 1) to the same shape, float32.
    """
    mixture = keras.Input((bins, frames, 1), name="mixture")
    x, skips = mixture, []
    for level in range(depth):
        x = _block(x, filters * 2**level, momentum)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _block(x, filters * 2**depth, momentum)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(filters * 2**level, 2, strides=2, padding="same")(x)
        x = layers.Concatenate()([skips[level], x])
        x = _block(x, filters * 2**level, momentum)
    vocals = layers.Conv2D(1, 1, dtype="float32", name="vocals")(x)
    return keras.Model(mixture, vocals, name="unet")


def _block(x, filters: int, momentum: float):
    for _ in range(2):
        # The bias would be cancelled by the normalisation that follows.
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=momentum)(x)
        x = layers.ReLU()(x)
    return x
