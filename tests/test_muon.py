"""Muon's updates equal its formulas, evaluated with a singular value decomposition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vocalseg.muon import COEFFICIENTS, STEPS, Muon, orthogonalised


def expected_update(matrix):
    """Apply the iteration's odd polynomial to the singular values, five times."""
    left, values, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    values /= np.sqrt(np.sum(values**2))
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        values = a * values + b * values**3 + c * values**5
    return left * values @ right


@pytest.mark.parametrize("shape", [(72, 8), (8, 72), (12, 12), (1, 5)])
@pytest.mark.parametrize("level", [1e-9, 1.0, 1e6])
def test_iteration_brings_singular_values_close_to_one(rng, shape, level):
    matrix = level * rng.standard_normal(shape).astype(np.float32)
    found = orthogonalised(tf.constant(matrix)).numpy()
    np.testing.assert_allclose(found, expected_update(matrix), atol=1e-3)
    values = np.linalg.svd(matrix, compute_uv=False)
    count = np.sum(values > 0.02 * np.sqrt(np.sum(values**2)))
    found = np.linalg.svd(found, compute_uv=False)[:count]
    assert found.min() > 0.65 and found.max() < 1.2


def test_zero_gradient_gives_zero_update():
    np.testing.assert_array_equal(orthogonalised(tf.zeros((6, 4))), np.zeros((6, 4)))


def network():
    x = mixture = keras.Input((8, 8, 1))
    for filters in (4, 6, 1):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
    return keras.Model(mixture, x)


def test_hidden_kernels_are_updated_by_muon_and_other_weights_by_adam(rng):
    model = network()
    weights = [w.numpy().astype(np.float64) for w in model.trainable_variables]
    optimizer = Muon(rate := 0.02)
    optimizer.build(model.trainable_variables)
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    hidden = [i for i, w in enumerate(weights) if w.shape == (3, 3, 4, 6)]
    assert len(hidden) == 1
    for t in range(1, 4):
        gradients = [rng.standard_normal(w.shape).astype(np.float32) for w in weights]
        optimizer.apply([tf.constant(g) for g in gradients], model.trainable_variables)
        for i, g in enumerate(gradients):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g**2
            if i in hidden:
                update = expected_update((0.9 * first[i] + 0.1 * g).reshape(36, 6))
                weights[i] -= rate * 6 * update.reshape(g.shape)  # 6 is the square root of 36 rows
            else:
                corrected = first[i] / (1 - 0.9**t), np.sqrt(second[i] / (1 - 0.999**t))
                weights[i] -= rate * corrected[0] / (corrected[1] + 1e-7)
    for found, expected in zip(model.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_learning_rate_is_about_the_root_mean_square_of_an_update(rng):
    model = network()
    kernel = model.layers[2].kernel
    optimizer, before = Muon(0.02), kernel.numpy()
    optimizer.build(model.trainable_variables)
    gradients = [tf.constant(rng.standard_normal(w.shape), tf.float32)
                 for w in model.trainable_variables]  # fmt: skip
    optimizer.apply(gradients, model.trainable_variables)
    change = np.sqrt(np.mean((kernel.numpy() - before) ** 2))
    assert change == pytest.approx(0.02, rel=0.3)
