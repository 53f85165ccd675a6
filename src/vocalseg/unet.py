"""The network (paper, section IV-B), nothing else."""

import keras
from keras import layers

from vocalseg import compute


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
    dtype = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[compute.choose(precision)]
    policy = keras.DTypePolicy(dtype)
    # Everything that the user's keras.json has defaults for is said here.
    common = {"dtype": policy, "data_format": "channels_last"}

    def block(x, filters):
        for _ in range(2):
            # The bias would be cancelled by the normalisation that follows.
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **common)(x)
            # Keras' default, 0.99, forgets its initial variance of 1 in about 1,000 steps: until
            # then a network that trains well predicts nothing.
            x = layers.BatchNormalization(momentum=0.9, dtype=policy)(x)
            x = layers.ReLU(dtype=policy)(x)
        return x

    mixture = keras.Input((bins, frames, 1), dtype="float32", name="mixture")
    x, skips = mixture, []
    for level in range(depth):
        x = block(x, filters * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D(2, **common)(x)
    x = block(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(
            filters * 2**level, 2, strides=2, padding="same", **common
        )(x)
        x = layers.Concatenate(dtype=policy)([skips[level], x])
        x = block(x, filters * 2**level)
    vocals = layers.Conv2D(1, 1, **common | {"dtype": "float32"}, name="vocals")(x)
    return keras.Model(mixture, vocals, name="unet")
