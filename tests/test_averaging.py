"""The average of the weights follows its recursive definition, for all variables."""

import keras
import numpy as np
import pytest

from vocalseg.averaging import WeightAverage
from vocalseg.unet import build_unet


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_average_is_the_weighted_sum_of_all_steps(rng, decay):
    model = build_unet(16, 16, 2, 1)
    average = WeightAverage(model, decay)
    initial = [w.astype(np.float64) for w in model.get_weights()]
    steps = []
    for _ in range(15):
        weights = [rng.standard_normal(w.shape).astype(np.float32) for w in initial]
        model.set_weights(weights)
        average.update()
        steps.append(weights)
    decays = [min(decay, t / (t + 9)) for t in range(1, 16)]
    # Final share of step t: its initial share, multiplied by the decay of every later step.
    shares = [(1 - p) * np.prod(decays[t + 1 :]) for t, p in enumerate(decays)]
    assert sum(shares) + np.prod(decays) == pytest.approx(1)
    with average.applied():
        for i, found in enumerate(model.get_weights()):
            expected = initial[i] * np.prod(decays)
            expected += sum(share * step[i] for share, step in zip(shares, steps, strict=True))
            np.testing.assert_allclose(found, expected, atol=1e-5)
    for weight, last in zip(model.get_weights(), steps[-1], strict=True):
        np.testing.assert_array_equal(weight, last)


def test_batch_normalization_statistics_are_averaged():
    model = build_unet(16, 16, 2, 1)
    average = WeightAverage(model, 0.9)
    norm = next(x for x in model.layers if isinstance(x, keras.layers.BatchNormalization))
    norm.moving_mean.assign(norm.moving_mean + 1)
    average.update()
    with average.applied():
        np.testing.assert_allclose(norm.moving_mean, 0.9)  # decay of the first step: 1 / 10
    np.testing.assert_allclose(norm.moving_mean, 1)


def test_original_weights_are_restored_after_an_exception():
    model = build_unet(16, 16, 2, 1)
    average = WeightAverage(model, 0.9)
    model.set_weights([w + 1 for w in model.get_weights()])
    before = model.get_weights()
    with pytest.raises(KeyboardInterrupt), average.applied():
        raise KeyboardInterrupt
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
