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

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from vocalseg import model_file, scaling
from vocalseg.errors import BadInput
from vocalseg.model_file import Settings
from vocalseg.spectrogram import phase
from vocalseg.streaming import Backlog, Counter, analyse, resample, synthesise
from vocalseg.tiling import crossfade

FULL_RATE = 44_100


class Separator:
    """Separates songs with a trained network.

    Parameters
    ----------
    network : callable
        Scaled mixture tiles (n, bins, frames, 1) to what ``settings`` say it gives: scaled vocals
        or a mask, or those of the accompaniment too, float32 (n, bins, frames, targets).
    settings : Settings
    overlap : float, in [0, 0.5]
        Of neighbouring tiles, cross-faded; at 0 they stand side by side.
    extend : bool
        Carry the mask on above the network's band (5.5 kHz); otherwise the vocals end there.
    output : {"mask", "magnitude"}
        How the estimated magnitudes become vocals: as a mask in [0, 1] on every channel, or as
        they are, not clipped, with the mixture's phase.
    """

    #: Tiles that pass the network together. Always as many, so that a tile's estimate does not
    #: depend on how the song was cut.
    batch = 4

    def __init__(
        self,
        network: Callable,
        settings: Settings,
        *,
        overlap: float = 0.125,
        extend: bool = True,
        output: str = "mask",
    ):
        if not 0 <= overlap <= 0.5:
            raise ValueError(f"overlap {overlap} is not in [0, 0.5]")
        if output not in ("mask", "magnitude"):
            raise ValueError(f"output {output!r} is neither mask nor magnitude")
        self.network, self.settings, self.extend, self.output = network, settings, extend, output
        self.shared = round(overlap * settings.tile_frames)
        self.log = settings.scaler in scaling.LOGARITHMIC

    @classmethod
    def load(
        cls, path: str | Path = "models/unet.json", *, precision: str = "float32", **options
    ) -> "Separator":
        """Load what :func:`vocalseg.model_file.save` wrote.

        Parameters
        ----------
        path : path
            Of the JSON file; the weights stand beside it.
        precision : {"float32", "bfloat16", "auto"}
            What the network computes in: ``eval`` scores float32. bfloat16 takes about half the
            time at 64 filters where the hardware has it (``auto`` finds out) and rounds to three
            digits.
        **options
            The constructor's.

        Raises
        ------
        BadInput
            If a file is missing, damaged, or of another version.
        """
        from vocalseg import networks

        path = Path(path)
        settings, weights = model_file.load(path)
        model = networks.build(settings, precision)
        try:
            model.load_weights(weights)
        except (ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise BadInput(f"{weights}: does not fit {path.name} ({reason})") from None
        return cls(model.predict_on_batch, settings, **options)

    def estimate_tiles(self, mixture: np.ndarray) -> np.ndarray:
        """The network's estimate of the vocals' magnitudes.

        Parameters
        ----------
        mixture : float32 array, (n, bins, tile_frames)
            Magnitudes at the network's rate.

        Returns
        -------
        float32 array of the same shape. Of a network that gives magnitudes of the vocals alone,
        linear as its last layer: not clipped at 0.
        """
        estimate = np.empty_like(mixture)
        for start in range(0, len(mixture), self.batch):
            tiles = mixture[start : start + self.batch]
            offset, scale = self._statistics(tiles)
            scaled = np.zeros((self.batch, *tiles.shape[1:], 1), np.float32)
            scaled[: len(tiles), ..., 0] = scaling.apply(tiles, offset, scale, self.log)
            output = np.moveaxis(np.asarray(self.network(scaled))[: len(tiles)], 3, 0)
            if self.settings.output == "mask":
                targets = output * tiles
            else:
                targets = [scaling.undo(x, offset, scale, self.log) for x in output]
            estimate[start : start + self.batch] = (
                targets[0] if len(targets) == 1 else _soft_mask(*targets) * tiles
            )
        return estimate

    def _statistics(self, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        settings = self.settings
        if settings.scaler != "standard":
            return scaling.statistics(tiles, settings.axis, settings.scaler)
        return tuple(np.float32(x)[:, np.newaxis] for x in (settings.offset, settings.scale))

    def mask_tiles(self, mixture: np.ndarray) -> np.ndarray:
        """Estimate over mixture, held to [0, 1]; 0 where the mixture is silent.

        Parameters
        ----------
        mixture : float32 array, (n, bins, tile_frames)
        """
        return _mask(self.estimate_tiles(mixture), mixture)

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
        mixture = Backlog()
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
        length = Counter()
        spectra = Backlog(axis=1)  # whose mask is not known yet

        def magnitudes():
            for spectrum in spectra.keep(analyse(length.count(blocks), frame, hop)):
                yield np.abs(spectrum[:, :, : settings.bins].mean(axis=0)).T / factor

        estimate = self.mask_tiles if self.output == "mask" else self.estimate_tiles

        def estimated():
            estimates = crossfade(
                magnitudes(), estimate, settings.tile_frames, self.shared, self.batch
            )
            for piece, mixture in estimates:
                start = 0
                for spectrum in spectra.pieces(piece.shape[1]):
                    frames = slice(start, start + spectrum.shape[1])
                    yield self._vocals_of(spectrum, piece[:, frames].T, mixture[:, frames].T)
                    start = frames.stop

        yield from synthesise(estimated(), hop, length)

    def _vocals_of(
        self, spectrum: np.ndarray, estimate: np.ndarray, mixture: np.ndarray
    ) -> np.ndarray:
        """The mixture's spectrum (channels, k, rows) to the vocals', in place.

        ``estimate`` is the mask or the magnitude, and ``mixture`` the magnitude, of the channels'
        mean in the network's band at its rate, (k, bins).
        """
        if self.output == "mask":
            spectrum *= self._full_band(estimate, mixture, spectrum.shape[2])
            return spectrum
        band = spectrum[:, :, : self.settings.bins]
        factor = FULL_RATE // self.settings.sample_rate
        direct = factor * np.where(mixture > 0, estimate, 0) * phase(band.mean(axis=0))
        spectrum *= self._full_band(_mask(estimate, mixture), mixture, spectrum.shape[2])
        band[:] = direct
        return spectrum

    def _full_band(self, mask: np.ndarray, mixture: np.ndarray, rows: int) -> np.ndarray:
        """Mask (k, bins) to (k, rows): above the band a frame's mean over its upper quarter.

        The mean is weighted by the mixture's magnitude, so that bins with nothing in them have no
        say.
        """
        bins = mask.shape[1]
        full = np.zeros((len(mask), rows), np.float32)
        full[:, :bins] = mask
        if self.extend:
            upper = slice(3 * bins // 4, None)
            weight = mixture[:, upper] + np.finfo(np.float32).tiny
            mean = (mask[:, upper] * weight).sum(axis=1) / weight.sum(axis=1)
            full[:, bins:] = mean[:, np.newaxis]
        return full


def _soft_mask(vocals: np.ndarray, accompaniment: np.ndarray) -> np.ndarray:
    """V²/(V²+A²) of two magnitudes, negative ones taken as 0; 0 where both are."""
    power, other = (np.square(np.maximum(x, 0)) for x in (vocals, accompaniment))
    whole = power + other
    return np.divide(power, whole, out=np.zeros_like(power), where=whole > 0)


def _mask(estimate: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """Estimate over mixture, held to [0, 1]; 0 where the mixture is silent."""
    ratio = np.divide(estimate, mixture, out=np.zeros_like(mixture), where=mixture > 0)
    return np.clip(ratio, 0, 1, out=ratio)
