"""Losses that a training minimises, and the score by which it may select the best epoch.

A network's output is scaled magnitudes or masks, of the vocals alone or, in a second channel, of
the accompaniment as well. A loss takes the output and the arrays of a batch:

``input``, ``target``
    scaled mixture (n, bins, frames, 1) and scaled targets (n, bins, frames, targets);
``mixture``, ``truth``
    magnitudes of the mixture and of the targets, in the same shapes;
``offset``, ``scale``
    scaling statistics of each example, (n, bins, 1, 1) or (n, 1, frames, 1);
``phase``, ``spectra``
    complex64: the mixture's phase (n, bins, frames) and the targets' spectra (n, targets, bins,
    frames).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from vocalseg.spectrogram import hann

Batch = dict[str, tf.Tensor]

_DISTANCE = {"mae": tf.abs, "mse": tf.square}
_LINEAR = ("mixture", "offset", "scale")
_SPECTRA = ("phase", "spectra")


@dataclass(frozen=True)
class OutputSpec:
    """Interpretation of a network's output.

    Attributes
    ----------
    output : {"magnitude", "mask"}
        Kind of output.
    log : bool
        Whether the scaler is one of :data:`vocalseg.scaling.LOGARITHMIC`.
    hop : int
        Frame distance in samples, for waveforms.
    """

    output: str = "magnitude"
    log: bool = False
    hop: int = 256

    def magnitudes(self, prediction: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return the estimated magnitudes, (n, bins, frames, targets)."""
        if self.output == "mask":
            return prediction * batch["mixture"]
        x = prediction * batch["scale"] + batch["offset"]
        return tf.math.expm1(x) if self.log else x

    def scaled(self, prediction: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return the estimated magnitudes in the scaled domain."""
        if self.output == "magnitude":
            return prediction
        x = prediction * batch["mixture"]
        return ((tf.math.log1p(x) if self.log else x) - batch["offset"]) / batch["scale"]

    def vocals(self, prediction: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return the vocals' magnitudes as a separation estimates them, (n, bins, frames, 1)."""
        estimates = self.magnitudes(prediction, batch)
        if estimates.shape[-1] == 1:
            return estimates
        power = tf.square(tf.maximum(estimates, 0.0))
        whole = tf.reduce_sum(power, axis=-1, keepdims=True)
        return batch["mixture"] * tf.math.divide_no_nan(power[..., :1], whole)

    def waveforms(self, magnitudes: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return waveforms (n, k, samples) of magnitudes (n, bins, frames, k), mixture's phase."""
        magnitudes = tf.cast(tf.transpose(magnitudes, (0, 3, 1, 2)), tf.complex64)
        return inverse_stft(magnitudes * batch["phase"][:, tf.newaxis], self.hop)


#: Output of the paper's network: scaled magnitudes.
PAPER_OUTPUT = OutputSpec()


def required_arrays(name: str, output: str = "magnitude") -> tuple[str, ...]:
    """Return the names of the arrays, besides ``input``, that a loss or a score takes."""
    if name in _DISTANCE:
        return ("target",) if output == "magnitude" else ("target", *_LINEAR)
    return (*_LINEAR, "truth") if name == "l1_linear" else (*_LINEAR, *_SPECTRA)


def signature(model, names: tuple[str, ...]) -> dict[str, tf.TensorSpec]:
    """Return types and shapes of ``input`` and the named arrays of a batch for a Keras model."""
    _, bins, frames, targets = model.output_shape
    shapes = {
        "input": (None, *model.input_shape[1:]),
        "target": (None, bins, frames, targets),
        "truth": (None, bins, frames, targets),
        "mixture": (None, bins, frames, 1),
        "offset": (None, None, None, 1),
        "scale": (None, None, None, 1),
        "phase": (None, bins, frames),
        "spectra": (None, targets, bins, frames),
    }
    kinds = dict.fromkeys(shapes, tf.float32) | dict.fromkeys(_SPECTRA, tf.complex64)
    return {name: tf.TensorSpec(shapes[name], kinds[name]) for name in ("input", *names)}


def loss(name: str, spec: OutputSpec) -> Callable[[tf.Tensor, Batch], tf.Tensor]:
    """Return the loss as a function of the network's output and the batch.

    Parameters
    ----------
    name : {"mae", "mse", "l1_linear", "sdr"}
        ``mae``, ``mse``: mean absolute or squared error of scaled magnitudes. ``l1_linear``: mean
        absolute error of magnitudes. ``sdr``: negative mean SI-SDR (dB) of waveforms that are made
        of the estimated magnitudes and the mixture's phase.
    spec : OutputSpec
        Interpretation of the network's output.

    Returns
    -------
    callable
        Function of output and batch; returns a scalar tensor.
    """
    if name in _DISTANCE:
        distance = _DISTANCE[name]
        return lambda y, batch: tf.reduce_mean(
            distance(spec.scaled(y, batch) - batch["target"])
        )
    if name == "l1_linear":
        return lambda y, batch: tf.reduce_mean(
            tf.abs(spec.magnitudes(y, batch) - batch["truth"])
        )

    def negative_si_sdr(y, batch):
        estimates = spec.waveforms(spec.magnitudes(y, batch), batch)
        return -tf.reduce_mean(si_sdr(inverse_stft(batch["spectra"], spec.hop), estimates))

    return negative_si_sdr


def val_sdr(spec: OutputSpec) -> Callable[[tf.Tensor, Batch], tf.Tensor]:
    """Return the mean SDR (dB) of the separated vocals as a function of output and batch."""

    def score(y, batch):
        estimates = spec.waveforms(spec.vocals(y, batch), batch)
        truth = inverse_stft(batch["spectra"][:, :1], spec.hop)
        return tf.reduce_mean(sdr(truth, estimates))

    return score


def sdr(truth: tf.Tensor, estimate: tf.Tensor) -> tf.Tensor:
    """Compute the SDR along the last axis, in dB within ±100: energy of truth over error."""
    return _decibels(_energy(truth), _energy(truth - estimate))


def si_sdr(truth: tf.Tensor, estimate: tf.Tensor) -> tf.Tensor:
    """Compute the SI-SDR (Le Roux et al., 2019) along the last axis, in dB within ±100."""
    product = tf.reduce_sum(truth * estimate, axis=-1, keepdims=True)
    fitted = truth * product / (_energy(truth)[..., tf.newaxis] + _TINY)
    return _decibels(_energy(fitted), _energy(fitted - estimate))


#: Added to energies before a division or a logarithm.
_TINY = 1e-8


def _energy(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(x), axis=-1)


def _decibels(signal: tf.Tensor, error: tf.Tensor) -> tf.Tensor:
    """Convert a ratio of energies, limited to 1e-10 and 1e10, to dB."""
    ratio = (signal + 1e-10 * error + _TINY) / (error + 1e-10 * signal + _TINY)
    return 10 / np.log(10) * tf.math.log(ratio)


def inverse_stft(spectra: tf.Tensor, hop: int) -> tf.Tensor:
    """Differentiable equivalent of :func:`vocalseg.spectrogram.tile_waveforms`.

    Parameters
    ----------
    spectra : complex64 tensor, (..., bins, frames)
        Spectra without the highest bin, which is taken as zero.
    hop : int
        Frame distance in samples.

    Returns
    -------
    float32 tensor, (..., (frames - 1) * hop)
        Waveforms.
    """
    bins, frames = spectra.shape[-2:]
    window = hann(2 * bins)
    whole = tf.pad(spectra, [[0, 0]] * (len(spectra.shape) - 2) + [[0, 1], [0, 0]])
    pieces = tf.signal.irfft(tf.linalg.matrix_transpose(whole), [2 * bins]) * window
    length = (frames - 1) * hop
    squares = np.zeros(length + 2 * bins)
    for start in range(0, length + 1, hop):
        squares[start : start + 2 * bins] += window.astype(np.float64) ** 2
    waveform = tf.signal.overlap_and_add(pieces, hop)[..., bins : bins + length]
    return waveform / squares[bins : bins + length].astype(np.float32)
