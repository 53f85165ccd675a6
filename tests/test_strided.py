"""The strided network has the size, shape and layers of the one in the literature."""

import keras
import numpy as np
import pytest
from keras import layers

from vocalseg.model_file import Settings
from vocalseg.networks import build
from vocalseg.strided import build_strided


def test_size_is_that_of_the_literature():
    model = build_strided(512, 128, 16, 6)
    assert 9.8e6 < model.count_params() < 9.85e6
    kernels = [x for x in model.layers if hasattr(x, "kernel")]
    assert [x.filters for x in kernels] == [16, 32, 64, 128, 256, 512, 256, 128, 64, 32, 16, 1]
    assert {x.kernel.shape[:2] for x in kernels} == {(5, 5)}


def keras_network(bins, frames, filters, depth, output, targets):
    """The same network, written with Keras' layers for batch normalization."""
    x = mixture = keras.Input((bins, frames, 1))
    down = []
    for level in range(depth):
        x = layers.Conv2D(filters * 2**level, 5, 2, "same", use_bias=False)(x)
        x = layers.LeakyReLU(0.2)(layers.BatchNormalization(momentum=0.9)(x))
        down.append(x)
    for skip in reversed(down[:-1]):
        x = layers.Conv2DTranspose(skip.shape[-1], 5, 2, "same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Concatenate()([skip, x])
    last = {"mask": "sigmoid", "magnitude": None}[output]
    return keras.Model(
        mixture, layers.Conv2DTranspose(targets, 5, 2, "same", activation=last)(x)
    )


@pytest.mark.parametrize(("output", "targets"), [("mask", 1), ("magnitude", 2)])
@pytest.mark.parametrize("training", [False, True])
def test_output_equals_that_of_keras_layers(rng, output, targets, training):
    ours = build_strided(32, 16, 3, 3, output=output, targets=targets)
    reference = keras_network(32, 16, 3, 3, output, targets)
    weights = [w + rng.uniform(0.1, 0.3, w.shape).astype(np.float32) for w in ours.get_weights()]
    x = rng.random((2, 32, 16, 1), dtype=np.float32)
    for model in (ours, reference):
        model.set_weights(weights)
    one, other = (np.asarray(model(x, training=training)) for model in (ours, reference))
    assert one.shape == (2, 32, 16, targets)
    np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("name", ["unet", "strided"])
@pytest.mark.parametrize("output", ["mask", "magnitude"])
@pytest.mark.parametrize(("targets", "channels"), [("vocals", 1), ("both", 2)])
def test_settings_select_the_network(name, output, targets, channels):
    settings = Settings(
        11025, 64, 16, 16, "time", "max", 2, 2, name=name, output=output, targets=targets
    )
    model = build(settings)
    assert (model.name, model.output_shape) == (name, (None, 32, 16, channels))
    *rest, bias = model.get_weights()
    model.set_weights([*rest, bias - 100])
    y = np.asarray(model(np.ones((1, 32, 16, 1), np.float32)))
    assert (y >= 0).all() and (y < 1e-9).all() if output == "mask" else (y < 0).all()
