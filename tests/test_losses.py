"""Losses equal their formulas in NumPy, for all outputs and scalers."""

import librosa
import mir_eval
import numpy as np
import pytest
import tensorflow as tf

from vocalseg import scaling, spectrogram
from vocalseg.losses import OutputSpec, inverse_stft, loss, required_arrays, sdr, si_sdr, val_sdr
from vocalseg.mixed_store import MixedStore

BINS, FRAMES, HOP, N = 16, 24, 8, 3


class FixedMixer:
    """Replacement for a mixer; it returns the same random sources for any rows."""

    def __init__(self, rng):
        parts = rng.standard_normal((2, N, 2, BINS, FRAMES))
        self.sources = (parts[0] + 1j * parts[1]).astype(np.complex64) * 3

    def spectra(self, rows, epoch):
        return self.sources


def batch(rng, scaler, targets=1, axis="frequency"):
    names = ("target", "truth", "mixture", "offset", "scale", "phase", "spectra")
    standard = None
    if scaler == "standard":
        standard = tuple(rng.uniform(0.5, 1, (2, 1, BINS, 1)).astype(np.float32))
    store = MixedStore(FixedMixer(rng), axis, scaler, standard, targets)
    return store.batch(None, names)


def estimated_magnitudes(y, arrays, output, log):
    """Magnitudes (n, targets, bins, frames), computed value by value."""
    estimate = np.empty(np.moveaxis(y, 3, 1).shape, np.float64)
    for n, c, b, t in np.ndindex(estimate.shape):
        at = (n if len(arrays["offset"]) > 1 else 0,)
        at += (b, 0, 0) if arrays["offset"].shape[2] == 1 else (0, t, 0)
        if output == "mask":
            estimate[n, c, b, t] = y[n, b, t, c] * arrays["mixture"][n, b, t, 0]
        else:
            x = y[n, b, t, c] * float(arrays["scale"][at]) + float(arrays["offset"][at])
            estimate[n, c, b, t] = np.expm1(x) if log else x
    return estimate


def scaled(magnitudes, arrays, log):
    """Scaled magnitudes (n, targets, bins, frames)."""
    x = np.log1p(magnitudes) if log else magnitudes
    return (x - arrays["offset"][..., 0][:, None]) / arrays["scale"][..., 0][:, None]


CASES = [
    (output, scaler, targets)
    for output in ("magnitude", "mask")
    for scaler in ("minmax", "robust", "log", "standard")
    for targets in (1, 2)
]


@pytest.mark.parametrize(("output", "scaler", "targets"), CASES)
def test_each_loss_equals_its_formula(rng, output, scaler, targets):
    arrays = batch(rng, scaler, targets)
    log = scaler in scaling.LOGARITHMIC
    spec = OutputSpec(output, log, HOP)
    y = rng.uniform(0.05, 0.95, (N, BINS, FRAMES, targets)).astype(np.float32)
    estimate = estimated_magnitudes(y, arrays, output, log)
    truth = np.moveaxis(arrays["truth"], 3, 1).astype(np.float64)
    error = scaled(estimate, arrays, log) - scaled(truth, arrays, log)
    phase = arrays["phase"]
    decibels = []
    for n, c in np.ndindex(N, targets):
        spectra = estimate[n, c] * phase[n], arrays["spectra"][n, c]
        predicted, reference = (waveform(s) for s in spectra)
        fitted = reference * (reference @ predicted) / (reference @ reference)
        decibels.append(10 * np.log10((fitted @ fitted) / np.sum((fitted - predicted) ** 2)))
    expected = {
        "mae": np.abs(error).mean(),
        "mse": np.square(error).mean(),
        "l1_linear": np.abs(estimate - truth).mean(),
        "sdr": -np.mean(decibels),
    }
    for name, value in expected.items():
        given = {key: tf.constant(arrays[key]) for key in required_arrays(name, output)}
        assert float(loss(name, spec)(tf.constant(y), given)) == pytest.approx(value, rel=1e-4)


def waveform(spectrum):
    """librosa's inverse STFT, without the highest bin and half a frame at either end."""
    whole = np.vstack([spectrum, np.zeros((1, FRAMES))])
    return librosa.istft(whole, hop_length=HOP, length=(FRAMES - 1) * HOP).astype(np.float64)


def test_waveforms_equal_those_of_librosa_and_of_table_i(rng):
    arrays = batch(rng, "minmax")
    spectra = arrays["spectra"][:, 0]
    ours = inverse_stft(tf.constant(spectra), HOP).numpy()
    np.testing.assert_allclose(ours, [waveform(s) for s in spectra], atol=1e-5)
    tiles = spectrogram.tile_waveforms(np.abs(spectra), spectrogram.phase(spectra), HOP)
    np.testing.assert_allclose(ours, tiles, atol=1e-5)


def test_val_sdr_is_the_mean_sdr_of_the_vocals(rng):
    for output, scaler, targets in CASES:
        arrays = batch(rng, scaler, targets)
        log = scaler in scaling.LOGARITHMIC
        y = rng.uniform(-0.2, 0.95, (N, BINS, FRAMES, targets)).astype(np.float32)
        estimate = estimated_magnitudes(y, arrays, output, log)
        vocals = estimate[:, 0]
        if targets == 2:
            power = np.maximum(estimate, 0) ** 2
            whole = np.where(power.sum(axis=1) > 0, power.sum(axis=1), 1)
            vocals = power[:, 0] / whole * arrays["mixture"][..., 0]
        expected = []
        for n in range(N):
            reference = waveform(arrays["spectra"][n, 0])
            error = reference - waveform(vocals[n] * arrays["phase"][n])
            expected.append(10 * np.log10((reference @ reference) / (error @ error)))
        given = {key: tf.constant(arrays[key]) for key in required_arrays("val_sdr")}
        value = float(val_sdr(OutputSpec(output, log, HOP))(tf.constant(y), given))
        assert value == pytest.approx(np.mean(expected), abs=1e-3)


def test_sdr_and_si_sdr_equal_closed_form_values():
    t = np.arange(1000) / 1000
    voice, other = np.sin(2 * np.pi * 5 * t), np.cos(2 * np.pi * 50 * t)  # orthogonal, equally loud
    truth = tf.constant(voice[None], tf.float32)
    estimate = tf.constant((0.5 * voice + 0.05 * other)[None], tf.float32)
    assert float(si_sdr(truth, estimate)[0]) == pytest.approx(20, abs=1e-3)
    expected = -10 * np.log10(0.5**2 + 0.05**2)
    assert float(sdr(truth, estimate)[0]) == pytest.approx(expected, abs=1e-3)


def test_si_sdr_equals_the_sdr_of_mir_eval_with_a_filter_of_one_tap(rng):
    truth, estimate = rng.standard_normal((2, 500))
    estimate += truth
    one_tap = truth * (truth @ estimate) / (truth @ truth)
    expected, *_ = mir_eval.separation._bss_source_crit(one_tap, 0 * one_tap, 0 * one_tap,
                                                        estimate - one_tap)  # fmt: skip
    ours = si_sdr(tf.constant(truth, tf.float32), tf.constant(estimate, tf.float32))
    assert float(ours) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["sdr", "l1_linear", "mae"])
@pytest.mark.parametrize("silent", ["truth", "both"])
def test_silence_has_finite_loss_and_gradient(rng, name, silent):
    sounds = FixedMixer(rng)
    sounds.sources[:, 0] = 0
    if silent == "both":
        sounds.sources[:] = 0
    names = ("target", "truth", "mixture", "offset", "scale", "phase", "spectra")
    arrays = MixedStore(sounds, "frequency", "log").batch(None, names)
    arrays = {key: tf.constant(array) for key, array in arrays.items()}
    y = tf.Variable(np.full((N, BINS, FRAMES, 1), 0.5, np.float32))
    with tf.GradientTape() as tape:
        value = loss(name, OutputSpec("mask", True, HOP))(y, arrays)
    assert np.isfinite(value) and np.isfinite(tape.gradient(value, y)).all()
