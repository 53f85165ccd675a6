"""What a training minimises, and what its choice of the best epoch may go by.

A network gives scaled magnitudes or masks, of the vocals alone or, in a second channel, of the
accompaniment too. A loss reads them as the arrays of a batch say:

``input``, ``target``
    scaled mixture (n, bins, frames, 1) and scaled targets (n, bins, frames, targets);
``mixture``, ``truth``
    magnitudes of the same;
``offset``, ``scale``
    statistics of each example, (n, bins, 1, 1) or (n, 1, frames, 1);
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
class Reading:
    """How the output of a network is to be read.

    Attributes
    ----------
    output : {"magnitude", "mask"}
    log : bool
        Whether scaled magnitudes are logarithmic (:data:`vocalseg.scaling.LOGARITHMIC`).
    hop : int
        Samples from frame to frame, for waveforms.
    """

    output: str = "magnitude"
    log: bool = False
    hop: int = 256

    def magnitudes(self, prediction: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Estimated magnitudes, (n, bins, frames, targets)."""
        if self.output == "mask":
            return prediction * batch["mixture"]
        x = prediction * batch["scale"] + batch["offset"]
        return tf.math.expm1(x) if self.log else x

    def scaled(self, prediction: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Estimated magnitudes as the scaler gives them."""
        if self.output == "magnitude":
            return prediction
        x = prediction * batch["mixture"]
        return ((tf.math.log1p(x) if self.log else x) - batch["offset"]) / batch["scale"]

    def vocals(self, prediction: tf.Tensor, batch: Batch) -> tf.Tensor:
        """The estimate of the vocals that a separation uses, (n, bins, frames, 1)."""
        estimates = self.magnitudes(prediction, batch)
        if estimates.shape[-1] == 1:
            return estimates
        power = tf.square(tf.maximum(estimates, 0.0))
        whole = tf.reduce_sum(power, axis=-1, keepdims=True)
        return batch["mixture"] * tf.math.divide_no_nan(power[..., :1], whole)

    def waveforms(self, magnitudes: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Magnitudes (n, bins, frames, k) with the mixture's phase as waveforms (n, k, samples)."""
        magnitudes = tf.cast(tf.transpose(magnitudes, (0, 3, 1, 2)), tf.complex64)
        return inverse_stft(magnitudes * batch["phase"][:, tf.newaxis], self.hop)


#: Of the paper's network.
PAPER = Reading()


def needs(name: str, output: str = "magnitude") -> tuple[str, ...]:
    """Arrays of a batch, beside ``input``, that a loss or a score takes."""
    if name in _DISTANCE:
        return ("target",) if output == "magnitude" else ("target", *_LINEAR)
    return (*_LINEAR, "truth") if name == "l1_linear" else (*_LINEAR, *_SPECTRA)


def signature(model, names: tuple[str, ...]) -> dict[str, tf.TensorSpec]:
    """Types and shapes of ``input`` and the named arrays of a batch for a Keras model."""
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


def loss(name: str, reading: Reading) -> Callable[[tf.Tensor, Batch], tf.Tensor]:
    """The function of prediction and batch that a training minimises.

    Parameters
    ----------
    name : {"mae", "mse", "l1_linear", "sdr"}
        Mean of ``|error|`` or error² on scaled magnitudes; of ``|error|`` on magnitudes; minus
        the mean SI-SDR (dB) of waveforms, made of the estimated magnitudes and the mixture's phase.
    """
    if name in _DISTANCE:
        distance = _DISTANCE[name]
        return lambda y, batch: tf.reduce_mean(
            distance(reading.scaled(y, batch) - batch["target"])
        )
    if name == "l1_linear":
        return lambda y, batch: tf.reduce_mean(
            tf.abs(reading.magnitudes(y, batch) - batch["truth"])
        )

    def negative_si_sdr(y, batch):
        estimates = reading.waveforms(reading.magnitudes(y, batch), batch)
        return -tf.reduce_mean(si_sdr(inverse_stft(batch["spectra"], reading.hop), estimates))

    return negative_si_sdr


def val_sdr(reading: Reading) -> Callable[[tf.Tensor, Batch], tf.Tensor]:
    """Mean SDR (dB) of the vocals' waveforms, as a separation makes them."""

    def score(y, batch):
        estimates = reading.waveforms(reading.vocals(y, batch), batch)
        truth = inverse_stft(batch["spectra"][:, :1], reading.hop)
        return tf.reduce_mean(sdr(truth, estimates))

    return score


def sdr(truth: tf.Tensor, estimate: tf.Tensor) -> tf.Tensor:
    """Energy of the truth over that of the error, in dB, along the last axis; within ±100."""
    return _decibels(_energy(truth), _energy(truth - estimate))


def si_sdr(truth: tf.Tensor, estimate: tf.Tensor) -> tf.Tensor:
    """The same, of the truth at the level that fits the estimate best (Le Roux et al., 2019)."""
    product = tf.reduce_sum(truth * estimate, axis=-1, keepdims=True)
    fitted = truth * product / (_energy(truth)[..., tf.newaxis] + _TINY)
    return _decibels(_energy(fitted), _energy(fitted - estimate))


#: Energy of silence: what is added before a division or a logarithm.
_TINY = 1e-8


def _energy(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(x), axis=-1)


def _decibels(signal: tf.Tensor, error: tf.Tensor) -> tf.Tensor:
    """Of a ratio of energies; each has at least 1e-10 of the other, so that none is endless."""
    ratio = (signal + 1e-10 * error + _TINY) / (error + 1e-10 * signal + _TINY)
    return 10 / np.log(10) * tf.math.log(ratio)


def inverse_stft(spectra: tf.Tensor, hop: int) -> tf.Tensor:
    """What :func:`vocalseg.spectrogram.tile_waveforms` does, differentiable.

    Parameters
    ----------
    spectra : complex64 tensor, (..., bins, frames)
        Without the highest bin, which is taken as zero.

    Returns
    -------
    float32 tensor, (..., (frames - 1) * hop)
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
