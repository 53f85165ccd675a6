"""A mixture in, vocals and accompaniment out: the one path of ``eval`` and of the command.

The network sees magnitudes at its own rate (11,025 Hz in the paper). A song at 44,100 Hz has the
same bins and the same frames in an STFT whose frame and hop are four times as long, so:

1. STFT of each channel at 44,100 Hz; the lower bins of their mean are the network's input;
2. overlapping tiles of it go through the network; estimate over mixture is a mask in [0, 1];
3. the mask, extended above the network's band, multiplies every channel's STFT (the mixture's
   phase stays); the inverse STFT gives the vocals, the input minus the vocals the accompaniment.

With ``output="magnitude"``, step 3 is the direct reconstruction of the paper (section III): within
the band, the estimate itself with the phase of the channels' mean, the same in every channel.

All of it runs as a stream of blocks: memory does not grow with the song.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from vocalseg import masks, wiener
from vocalseg.estimator import Ensemble, Estimator
from vocalseg.spectrogram import phase
from vocalseg.streaming import DelayBuffer, SampleCounter, analyse, resample, synthesise
from vocalseg.tiling import crossfade

FULL_RATE = 44_100


class Separator:
    """Separates songs with a trained network.

    Parameters
    ----------
    estimator : Estimator or Ensemble
    overlap : float, in [0, 0.5]
        Of neighbouring tiles, cross-faded; at 0 they stand side by side.
    extend : bool
        Carry the mask on above the network's band (5.5 kHz); otherwise the vocals end there.
    output : {"mask", "magnitude"}
        How the estimated magnitudes become vocals: as a mask in [0, 1] on every channel, or as
        they are, not clipped, with the mixture's phase.
    wiener : int
        Iterations of a multichannel Wiener filter on songs of two or more channels, see
        :func:`vocalseg.wiener.refine`. It takes a mask.

    Raises
    ------
    ValueError
        If an argument is out of its range, or two do not go together.
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
            raise ValueError(f"wiener {wiener} must be 0, or more with output 'mask'")
        self.estimator, self.settings = estimator, estimator.settings
        self.extend, self.output, self.wiener = extend, output, wiener
        self.shared = round(overlap * self.settings.tile_frames)

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
            Of JSON files; the weights stand beside each.
        precision : {"float32", "bfloat16", "auto"}
            What the network computes in: ``eval`` scores float32. bfloat16 takes about half the
            time at 64 filters where the hardware has it (``auto`` finds out) and rounds to three
            digits.
        **options
            The constructor's.

        Raises
        ------
        BadInput
            If a file is missing, damaged, or of another version, or if models differ in their
            tiles.
        """
        paths = [path] if isinstance(path, (str, Path)) else path
        estimators = [Estimator.load(each, precision) for each in paths]
        return cls(estimators[0] if len(estimators) == 1 else Ensemble(estimators), **options)

    def separate(self, waveform: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
        """Separate a whole song.

        Parameters
        ----------
        waveform : float array, (samples,) or (samples, channels)
            Any length from one sample on; full scale is [-1, 1].
        sample_rate : int
            In Hz; other rates than 44,100 are resampled there and back.

        Returns
        -------
        vocals, accompaniment : float32 arrays, shaped as ``waveform``
            Their sum is ``waveform`` to float rounding.

        Raises
        ------
        ValueError
            If the waveform is empty, not finite or has more than two axes.
        """
        song = np.asarray(waveform, dtype=np.float32)
        if song.ndim not in (1, 2) or song.size == 0:
            raise ValueError(f"waveform of shape {song.shape}: need (samples,) or (samples, chan.)")
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
            Of any lengths.
        sample_rate : int
            In Hz.

        Yields
        ------
        vocals, accompaniment : float32 arrays, (samples, channels)
            In other cuts than the input, some seconds behind it, as many samples in all.
        """
        mixture = DelayBuffer()
        full = resample(mixture.keep(blocks), sample_rate, FULL_RATE)
        for vocals in resample(self._vocals(full), FULL_RATE, sample_rate):
            piece = mixture.take(len(vocals))
            if len(piece):
                yield vocals[: len(piece)], piece - vocals[: len(piece)]
        if len(rest := mixture.take()):  # a resampler may end a few samples early
            yield np.zeros_like(rest), rest

    def _vocals(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Vocals of a stream at 44,100 Hz, in other cuts, as many samples in all."""
        settings = self.settings
        factor = FULL_RATE // settings.sample_rate
        frame, hop = settings.frame_size * factor, settings.hop * factor
        length = SampleCounter()
        spectra = DelayBuffer(axis=1)  # whose mask is not known yet

        def magnitudes():
            for spectrum in spectra.keep(analyse(length.count(blocks), frame, hop)):
                yield np.abs(spectrum[:, :, : settings.bins].mean(axis=0)).T / factor

        estimate = self.estimator.masks if self.output == "mask" else self.estimator.magnitudes

        def estimated():
            estimates = crossfade(
                magnitudes(), estimate, settings.tile_frames, self.shared, self.estimator.batch
            )
            for piece, mixture in estimates:
                start = 0
                for spectrum in self._cuts(spectra, piece.shape[1]):
                    frames = slice(start, start + spectrum.shape[1])
                    yield self._vocals_of(spectrum, piece[:, frames].T, mixture[:, frames].T)
                    start = frames.stop

        yield from synthesise(estimated(), hop, length)

    def _cuts(self, spectra: DelayBuffer, count: int) -> Iterator[np.ndarray]:
        """The oldest ``count`` frames, in windows of the Wiener filter or in any cuts."""
        if not self.wiener:
            yield from spectra.pieces(count)
            return
        for frames in wiener.windows(count):
            yield spectra.take(frames)

    def _vocals_of(
        self, spectrum: np.ndarray, estimate: np.ndarray, mixture: np.ndarray
    ) -> np.ndarray:
        """The mixture's spectrum (channels, k, rows) to the vocals', in place.

        ``estimate`` is the mask or the magnitude, and ``mixture`` the magnitude, of the channels'
        mean in the network's band at its rate, (k, bins).
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
