"""The average of the weights is the recursion of its definition, for all variables."""

import keras
import numpy as np
import pytest

from vocalseg.averaging import WeightAverage
from vocalseg.unet import build_unet


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_the_average_is_the_weighted_sum_of_all_steps(rng, decay):
    model = build_unet(16, 16, 2, 1)
    average = WeightAverage(model, decay)
    initial = [w.astype(np.float64) for w in model.get_weights()]
    steps = []
    for _ in range(15):
        weights = [rng.standard_normal(w.shape).astype(np.float32) for w in initial]
        model.set_weights(weights)
        average.update()
        steps.append(weights)
    past = [min(decay, t / (t + 9)) for t in range(1, 16)]
    # What step t has in the end: its own part, times what every later step left of it.
    shares = [(1 - p) * np.prod(past[t + 1 :]) for t, p in enumerate(past)]
    assert sum(shares) + np.prod(past) == pytest.approx(1)
    with average.applied():
        for i, found in enumerate(model.get_weights()):
            expected = initial[i] * np.prod(past)
            expected += sum(share * step[i] for share, step in zip(shares, steps, strict=True))
            np.testing.assert_allclose(found, expected, atol=1e-5)
    for weight, last in zip(model.get_weights(), steps[-1], strict=True):
        np.testing.assert_array_equal(weight, last)


def test_statistics_of_batch_normalisation_are_averaged_too():
    model = build_unet(16, 16, 2, 1)
    average = WeightAverage(model, 0.9)
    norm = next(x for x in model.layers if isinstance(x, keras.layers.BatchNormalization))
    norm.moving_mean.assign(norm.moving_mean + 1)
    average.update()
    with average.applied():
        np.testing.assert_allclose(norm.moving_mean, 0.9)  # past of the first step: 1 / 10
    np.testing.assert_allclose(norm.moving_mean, 1)


def test_the_weights_come_back_if_something_fails():
    model = build_unet(16, 16, 2, 1)
    average = WeightAverage(model, 0.9)
    model.set_weights([w + 1 for w in model.get_weights()])
    before = model.get_weights()
    with pytest.raises(KeyboardInterrupt), average.applied():
        raise KeyboardInterrupt
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
