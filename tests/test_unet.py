"""The U-Net has the size and shape of the paper's, and computes the same as Keras' layers."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from vocalseg.unet import build_unet


@pytest.fixture(scope="module")
def paper_unet():
    return build_unet(512, 128, 64, 4)


def output(model, bins, frames):
    x = np.random.default_rng(0).random((2, bins, frames, 1), dtype=np.float32)
    return keras.ops.convert_to_numpy(model(x, training=False))


def test_network_of_the_paper_has_31_million_parameters(paper_unet):
    assert 30.95e6 < paper_unet.count_params() < 31.05e6


def test_blocks_are_those_of_the_paper(paper_unet):
    convolutions = [layer for layer in paper_unet.layers if hasattr(layer, "kernel")]
    filters = [layer.filters for layer in convolutions if layer.kernel.shape[:2] == (3, 3)]
    assert filters == [n for n in (64, 128, 256, 512, 1024, 512, 256, 128, 64) for _ in range(2)]
    count = Counter(type(layer).__name__ for layer in paper_unet.layers)
    assert count["BatchNormalization"] == count["ReLU"] == 18
    assert count["MaxPooling2D"] == count["Conv2DTranspose"] == count["JoinedConvolution"] == 4


def test_the_last_layer_is_one_linear_1x1_convolution(paper_unet):
    last = paper_unet.layers[-1]
    assert (last.filters, last.kernel_size) == (1, (1, 1))
    assert last.activation is keras.activations.linear


@pytest.mark.parametrize(
    ("bins", "frames", "filters", "depth"),
    [(32, 16, 2, 2), (16, 16, 1, 1), (16, 64, 3, 3), (64, 32, 2, 4)],
)
def test_the_output_has_the_shape_of_the_input(bins, frames, filters, depth):
    model = build_unet(bins, frames, filters, depth)
    assert model.input_shape == model.output_shape == (None, bins, frames, 1)
    assert output(model, bins, frames).shape == (2, bins, frames, 1)


def test_the_output_may_be_negative():
    model = build_unet(16, 16, 2, 1)
    *_, bias = model.get_weights()
    model.set_weights([*model.get_weights()[:-1], bias - 100])
    assert (output(model, 16, 16) < 0).all()


# ------------------------------------------------------------------ comparison with Keras' layers


def keras_unet(bins, frames, filters, depth):
    """The same network, built with Keras' layers."""

    def block(x, count):
        for _ in range(2):
            x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        return x

    mixture = x = keras.Input((bins, frames, 1))
    skips = []
    for level in range(depth):
        x = block(x, filters * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = block(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(filters * 2**level, 2, strides=2, padding="same")(x)
        x = block(layers.Concatenate()([skips[level], x]), filters * 2**level)
    return keras.Model(mixture, layers.Conv2D(1, 1)(x))


@pytest.fixture
def pair(rng):
    """Both networks with the same weights, which are not 0 or 1; a mixture and vocals."""
    keras.utils.set_random_seed(1)
    ours, reference = build_unet(32, 16, 4, 2), keras_unet(32, 16, 4, 2)
    weights = [w + rng.uniform(0.1, 0.5, w.shape).astype(np.float32) for w in ours.get_weights()]
    for model in (ours, reference):
        model.set_weights(weights)
    return ours, reference, *rng.random((2, 3, 32, 16, 1), dtype=np.float32)


def assert_close(one, other):
    scale = np.abs(other).max()
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=0, atol=1e-5 * scale)


def test_estimate_equals_that_of_keras_layers(pair):
    ours, reference, mixture, _ = pair
    assert_close(ours.predict_on_batch(mixture), reference.predict_on_batch(mixture))
    assert_close(ours(mixture, training=False), reference.predict_on_batch(mixture))


def test_training_step_equals_that_of_keras_layers(pair):
    ours, reference, mixture, vocals = pair
    results = []
    for model in (ours, reference):
        with tf.GradientTape() as tape:
            estimate = model(mixture, training=True)
            loss = tf.reduce_mean(tf.square(estimate - vocals))
        gradients = tape.gradient(loss, model.trainable_variables)
        flat = np.concatenate([np.ravel(gradient) for gradient in gradients])
        results.append([estimate, flat, *model.get_weights()])
    for one, other in zip(*results, strict=True):
        assert_close(one, other)


def test_initial_weights_have_the_standard_deviation_of_keras_layers():
    ours, reference = build_unet(32, 32, 8, 2), keras_unet(32, 32, 8, 2)
    for one, other in zip(ours.get_weights(), reference.get_weights(), strict=True):
        assert one.shape == other.shape
        assert np.std(one) == pytest.approx(np.std(other), rel=0.3)


@pytest.mark.parametrize("momentum", [0.9, 0.99])
def test_momentum_is_that_of_the_moving_averages(momentum):
    model = build_unet(16, 16, 2, 1, momentum=momentum)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 6
    x = np.random.default_rng(0).random((2, 16, 16, 1), dtype=np.float32)
    model(x, training=True)
    first = keras.Model(model.input, norms[0].input)(x)
    mean = keras.ops.convert_to_numpy(first).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(norms[0].moving_mean, (1 - momentum) * mean, rtol=1e-4, atol=1e-7)
    assert {norm.momentum for norm in norms} == {momentum}
