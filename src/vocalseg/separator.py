"""Separate a mixture into vocals and accompaniment; used by the stage ``eval`` and the command.

The network's input is a magnitude spectrogram at its own sample rate (11,025 Hz in the paper). At
44,100 Hz, an STFT with four times the frame size and hop has the same bins and frames. Therefore:

1. compute the STFT of each channel at 44,100 Hz; the lower bins of the channels' mean are the
   network's input;
2. apply the network to overlapping tiles; estimate over mixture is a mask in [0, 1];
3. extend the mask above the network's band and multiply it with each channel's STFT, which keeps
   the mixture's phase; the inverse STFT is the vocals, the input minus the vocals the
   accompaniment.

With ``output="magnitude"``, step 3 is the direct reconstruction of the paper (section III): within
the band, the estimated magnitude with the phase of the channels' mean, equal in all channels.

All steps process a stream of blocks, so memory use does not depend on the length of the song.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from vocalseg import masks, wiener
from vocalseg.estimator import Ensemble, Estimator
from vocalseg.prefetch import prefetched
from vocalseg.spectrogram import phase
from vocalseg.streaming import DelayBuffer, SampleCounter, analyse, resample, synthesise
from vocalseg.tiling import crossfade

FULL_RATE = 44_100


class Separator:
    """Separate songs with a trained network.

    Parameters
    ----------
    estimator : Estimator or Ensemble
        One or several trained networks.
    overlap : float, in [0, 0.5]
        Fraction of a tile that overlaps the next one, where both are cross-faded.
    extend : bool
        Extend the mask above the network's band (5.5 kHz); otherwise the vocals have no content
        there.
    output : {"mask", "magnitude"}
        Whether estimated magnitudes are used as a mask in [0, 1] on every channel, or directly, not
        clipped, with the mixture's phase.
    wiener : int
        Iterations of a multichannel Wiener filter on songs with two or more channels; see
        :func:`vocalseg.wiener.refine`. It requires ``output="mask"``.

    Raises
    ------
    ValueError
        If an argument is out of range, or two of them are incompatible.

    Examples
    --------
    >>> from vocalseg import Separator
    >>> separator = Separator.load("models/unet.json")  # doctest: +SKIP
    >>> vocals, accompaniment = separator.separate(waveform, 44_100)  # doctest: +SKIP
    """

    def __init__(
        self,
        estimator: Estimator | Ensemble,
        *,
        overlap: float = 0.125,
        extend: bool = True,
        output: str = "mask",
        wiener: int = 0,
    ):
        if not 0 <= overlap <= 0.5:
            raise ValueError(f"overlap {overlap} is not in [0, 0.5]")
        if output not in ("mask", "magnitude"):
            raise ValueError(f"output {output!r} is neither mask nor magnitude")
        if wiener < 0 or (wiener and output != "mask"):
            raise ValueError(f"wiener {wiener} must be 0, or positive with output 'mask'")
        self.estimator, self.settings = estimator, estimator.settings
        self.extend, self.output, self.wiener = extend, output, wiener
        self.overlap_frames = round(overlap * self.settings.tile_frames)

    @classmethod
    def load(
        cls,
        path: str | Path | Sequence[str | Path] = "models/unet.json",
        *,
        precision: str = "float32",
        **options,
    ) -> "Separator":
        """Load one model, or several whose masks are averaged.

        Parameters
        ----------
        path : path or sequence of paths
            JSON files; the weights lie beside each.
        precision : {"float32", "bfloat16", "auto"}
            Number format that the network computes in. The stage ``eval`` uses float32. bfloat16
            takes about half the time at 64 filters if the hardware supports it (``auto`` detects
            this) and rounds to three digits.
        **options
            Keyword arguments of the constructor.

        Returns
        -------
        Separator
            Ready to use.

        Raises
        ------
        BadInput
            If a file is missing, damaged, or of another version, or if the models differ in their
            tiles.
        """
        paths = [path] if isinstance(path, (str, Path)) else path
        estimators = [Estimator.load(file, precision) for file in paths]
        return cls(estimators[0] if len(estimators) == 1 else Ensemble(estimators), **options)

    def separate(self, waveform: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
        """Separate a whole song.

        Parameters
        ----------
        waveform : float array, (samples,) or (samples, channels)
            At least one sample; full scale is [-1, 1].
        sample_rate : int
            Rate in Hz; rates other than 44,100 are resampled before and after.

        Returns
        -------
        vocals, accompaniment : float32 arrays
            Stems with the shape of ``waveform``; their sum equals ``waveform`` up to float
            rounding.

        Raises
        ------
        ValueError
            If the waveform is empty, not finite or has more than two axes.
        """
        song = np.asarray(waveform, dtype=np.float32)
        if song.ndim not in (1, 2) or song.size == 0:
            raise ValueError(
                f"waveform of shape {song.shape}: must be (samples,) or (samples, channels)"
            )
        if not np.isfinite(song).all():
            raise ValueError("the waveform holds NaN or infinite samples")
        columns = song[:, np.newaxis] if song.ndim == 1 else song
        blocks = (columns[i : i + sample_rate] for i in range(0, len(song), sample_rate))
        pieces = [vocals for vocals, _ in self.stream(blocks, sample_rate)]
        vocals = np.concatenate(pieces).reshape(song.shape)
        return vocals, song - vocals

    def stream(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Separate a song that comes in blocks.

        Parameters
        ----------
        blocks : iterable of float32 arrays, (samples, channels)
            Blocks of arbitrary length.
        sample_rate : int
            Rate in Hz.

        Yields
        ------
        vocals, accompaniment : float32 arrays, (samples, channels)
            Blocks of arbitrary length, delayed by a few seconds; same total length as the input.
        """
        mixture = DelayBuffer()
        full = resample(mixture.keep(blocks), sample_rate, FULL_RATE)
        for vocals in resample(self._vocals(full), FULL_RATE, sample_rate):
            piece = mixture.take(len(vocals))
            if len(piece):
                yield vocals[: len(piece)], piece - vocals[: len(piece)]
        if len(rest := mixture.take()):  # a resampler may return a few samples less
            yield np.zeros_like(rest), rest

    def _vocals(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the vocals of a stream at 44,100 Hz, in blocks of arbitrary length."""
        settings = self.settings
        factor = FULL_RATE // settings.sample_rate
        frame, hop = settings.frame_size * factor, settings.hop * factor
        length = SampleCounter()
        spectra = DelayBuffer(axis=1)  # spectra that wait for their masks

        def magnitudes():
            for spectrum in spectra.keep(analyse(length.count(blocks), frame, hop)):
                yield np.abs(spectrum[:, :, : settings.bins].mean(axis=0)).T / factor

        estimate = self.estimator.masks if self.output == "mask" else self.estimator.magnitudes

        def estimated():
            estimates = crossfade(
                magnitudes(),
                estimate,
                settings.tile_frames,
                self.overlap_frames,
                self.estimator.batch,
            )
            # The next tiles are estimated while these are converted to a waveform.
            for piece, mixture in prefetched(estimates):
                start = 0
                for spectrum in self._take(spectra, piece.shape[1]):
                    frames = slice(start, start + spectrum.shape[1])
                    yield self._apply(spectrum, piece[:, frames].T, mixture[:, frames].T)
                    start = frames.stop

        yield from synthesise(estimated(), hop, length)

    def _take(self, spectra: DelayBuffer, count: int) -> Iterator[np.ndarray]:
        """Take the oldest ``count`` frames, in windows of the Wiener filter if it is used."""
        if not self.wiener:
            yield from spectra.pieces(count)
            return
        for frames in wiener.windows(count):
            yield spectra.take(frames)

    def _apply(
        self, spectrum: np.ndarray, estimate: np.ndarray, mixture: np.ndarray
    ) -> np.ndarray:
        """Convert the mixture's spectrum (channels, k, rows) to that of the vocals, in place.

        ``estimate`` is the mask or the magnitude, and ``mixture`` the magnitude, of the channels'
        mean in the network's band and at its rate, (k, bins).
        """
        mask = estimate if self.output == "mask" else masks.ratio_mask(estimate, mixture)
        full = masks.full_band(mask, mixture, spectrum.shape[2], self.extend)
        if self.output == "mask":
            if self.wiener and len(spectrum) > 1:
                return wiener.refine(spectrum * full, spectrum, self.wiener)
            spectrum *= full
            return spectrum
        band = spectrum[:, :, : self.settings.bins]
        factor = FULL_RATE // self.settings.sample_rate
        direct = factor * np.where(mixture > 0, estimate, 0) * phase(band.mean(axis=0))
        spectrum *= full
        band[:] = direct
        return spectrum
