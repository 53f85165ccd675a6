"""A network computes in the format that was asked for; its weights and output stay float32."""

import keras
import numpy as np
import pytest

from vocalseg.precision import choose, computing_in
from vocalseg.unet import build_unet


def small(precision):
    keras.utils.set_random_seed(3)
    with computing_in(precision):
        return build_unet(16, 16, 2, 1)


def estimate(model):
    tiles = np.random.default_rng(0).random((2, 16, 16, 1), dtype=np.float32)
    return model.predict_on_batch(tiles)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_layers_compute_in_it_and_what_is_kept_is_float32(precision):
    model = small(precision)
    assert model.layers[1].compute_dtype == precision
    assert {variable.dtype for variable in model.variables} == {"float32"}
    assert estimate(model).dtype == np.float32


def test_bfloat16_gives_nearly_the_same_estimate():
    exact, rounded = estimate(small("float32")), estimate(small("bfloat16"))
    assert 0 < np.abs(exact - rounded).max() < 0.05 * np.abs(exact).max()


def test_networks_that_are_built_afterwards_are_not_concerned():
    with pytest.raises(KeyboardInterrupt), computing_in("bfloat16"):
        raise KeyboardInterrupt
    assert build_unet(16, 16, 2, 1).layers[1].compute_dtype == "float32"


def test_automatic_is_one_of_the_two_and_always_the_same():
    assert choose("auto") in ("float32", "bfloat16")
    assert choose("auto") == choose("auto")
    assert small("auto").layers[1].compute_dtype == choose("auto")
