"""The network is the paper's: its size, its shape, its last layer."""

from collections import Counter

import keras
import numpy as np
import pytest

from vocalseg.unet import build_unet


@pytest.fixture(scope="module")
def papers():
    return build_unet(512, 128, 64, 4)


def output(model, bins, frames):
    x = np.random.default_rng(0).random((2, bins, frames, 1), dtype=np.float32)
    return keras.ops.convert_to_numpy(model(x, training=False))


def test_the_papers_network_has_31_million_parameters(papers):
    assert 30.95e6 < papers.count_params() < 31.05e6


def test_its_blocks_are_those_of_the_paper(papers):
    layers = papers.layers
    filters = [
        layer.filters
        for layer in layers
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3)
    ]
    assert filters == [n for n in (64, 128, 256, 512, 1024, 512, 256, 128, 64) for _ in range(2)]
    count = Counter(type(layer).__name__ for layer in layers)
    assert count["BatchNormalization"] == count["ReLU"] == 18
    assert count["MaxPooling2D"] == count["Conv2DTranspose"] == count["Concatenate"] == 4


def test_the_last_layer_is_one_linear_1x1_convolution(papers):
    last = papers.layers[-1]
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


@pytest.mark.parametrize("momentum", [0.9, 0.99])
def test_the_momentum_says_how_slowly_the_running_averages_move(momentum):
    model = build_unet(16, 16, 2, 1, momentum=momentum)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(norms) == 6
    x = np.random.default_rng(0).random((2, 16, 16, 1), dtype=np.float32)
    model(x, training=True)
    first = keras.Model(model.input, norms[0].input)(x)
    mean = keras.ops.convert_to_numpy(first).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(norms[0].moving_mean, (1 - momentum) * mean, rtol=1e-4, atol=1e-7)
    assert {norm.momentum for norm in norms} == {momentum}
