"""Training examples made from waveforms: sources of any songs are remixed in each epoch.

The STFT is linear, so the spectrum of a mix is the sum of the sources' spectra, and a new mix costs
no more than reading two sources. All random numbers depend only on (seed, epoch, row of the table).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vocalseg.frames import frame_spectra, spectrum

#: Vocals and accompaniment of a tile, complex64 (2, bins, frames).
Sources = np.ndarray

VOCALS, ACCOMPANIMENT = 0, 1  # indices of the sources

#: Random numbers of each row, uniform in [0, 1), in this order. Append new ones at the end, so that
#: the others stay the same.
DRAWS = (
    *("remix", "partner", "gain", "partner_gain", "shift", "partner_shift"),
    *("pitch", "partner_pitch", "tempo", "partner_tempo"),
    *("tones", "tone_frequency", "tone_phase", "noise"),
)


@dataclass(frozen=True)
class MixingOptions:
    """How training examples are changed; by default they are not.

    Attributes
    ----------
    remix : float, in [0, 1]
        Fraction of the examples whose accompaniment is taken from another song.
    gain : float
        Maximum gain, up or down, of each source in dB.
    crop : {"grid", "random"}
        With ``random``, a tile begins up to half a tile earlier or later.
    pitch : float
        Maximum transposition of a song in semitones, up or down; its tempo changes accordingly.
    tempo : float, in [0, 1)
        Maximum relative change of tempo, faster or slower.
    tones, noise : float, in [0, 1]
        Fraction of the examples with a static tone, or white noise, added to the accompaniment.
    level : float
        Energy of the tone or noise relative to the mixture, in dB.
    """

    remix: float = 0.0
    gain: float = 0.0
    crop: str = "grid"
    pitch: float = 0.0
    tempo: float = 0.0
    tones: float = 0.0
    noise: float = 0.0
    level: float = -20.0

    @property
    def active(self) -> bool:
        """Whether any example is changed."""
        parts = self.remix, self.gain, self.pitch, self.tempo, self.tones, self.noise
        return any(parts) or self.crop == "random"


class Mixer:
    """Compute the spectra of rows of a table of examples.

    Parameters
    ----------
    songs : mapping
        Mixture and vocals by name, float32 (samples,) each; may be memory-mapped.
    tiles : DataFrame
        ``track`` and ``first_frame`` of each tile of the store.
    pool : DataFrame
        Training rows of the table, whose accompaniment may be used for other examples.
    frame_size, hop, frames : int
        Frame length and distance in samples; frames of a tile.
    mixing : MixingOptions
        How examples are changed.
    seed : int
        Seed of the random numbers.
    """

    def __init__(
        self,
        songs: Mapping[str, tuple[np.ndarray, np.ndarray]],
        tiles: pd.DataFrame,
        pool: pd.DataFrame,
        *,
        frame_size: int,
        hop: int,
        frames: int,
        mixing: MixingOptions = MixingOptions(),
        seed: int = 0,
    ):
        self.songs, self.mixing, self.seed = songs, mixing, seed
        self.frame_size, self.hop, self.frames = frame_size, hop, frames
        self.track, self.first = tiles["track"].to_numpy(), tiles["first_frame"].to_numpy()
        self.pool = pool.reset_index(drop=True)
        song = self.track[self.pool["tile"].to_numpy()]
        self.others = {name: np.flatnonzero(song != name) for name in set(self.track)}

    def spectra(self, rows: pd.DataFrame, epoch: int | None = None) -> np.ndarray:
        """Compute vocals and accompaniment of examples.

        Parameters
        ----------
        rows : DataFrame
            Rows of the table of examples; the index is the number of the row.
        epoch : int, optional
            Epoch, which the random numbers depend on. Without it, examples are not changed.

        Returns
        -------
        complex64 array, (n, 2, bins, frames)
            Spectra of the sources.
        """
        made = np.empty((len(rows), 2, self.frame_size // 2, self.frames), np.complex64)
        for example, (number, row) in zip(made, rows.iterrows(), strict=True):
            example[:] = self._sources(row) if epoch is None else self._remixed(row, number, epoch)
            start = row["blackout_start"]
            if start >= 0:
                example[..., start : start + self.frames // 2] = 0
        return made

    def _remixed(self, row: pd.Series, number: int, epoch: int) -> Sources:
        mixing = self.mixing
        rng = np.random.default_rng((self.seed, epoch, number))
        u = dict(zip(DRAWS, rng.random(len(DRAWS)), strict=True))
        change = u["shift"], u["pitch"], u["tempo"]
        others = self.others[self.track[row["tile"]]]
        if u["remix"] < mixing.remix and len(others):
            lender = self.pool.loc[others[int(u["partner"] * len(others))]]
            lent = u["partner_shift"], u["partner_pitch"], u["partner_tempo"]
            vocals = self._source(VOCALS, row, *change)
            sources = np.stack([vocals, self._source(ACCOMPANIMENT, lender, *lent)])
        else:
            sources = self._sources(row, *change)
        for source, name in zip(sources, ("gain", "partner_gain"), strict=True):
            source *= 10 ** (_between(-mixing.gain, mixing.gain, u[name]) / 20)
        if u["tones"] < mixing.tones:
            # Frequency in cycles per sample, at least 2 bins away from both ends of the band.
            bins = self.frame_size // 2
            cycles = _between(2, bins - 2, u["tone_frequency"]) / self.frame_size
            phase = u["tone_phase"] + cycles * np.arange(self._samples)
            self._add(sources, np.cos(2 * np.pi * phase))
        if u["noise"] < mixing.noise:
            self._add(sources, rng.standard_normal(self._samples))
        return sources

    @property
    def _samples(self) -> int:
        return self.frame_size + (self.frames - 1) * self.hop

    def _add(self, sources: Sources, waveform: np.ndarray) -> None:
        """Add a waveform to the accompaniment, at the given level relative to the mixture."""
        starts = np.arange(self.frames) * self.hop
        added = frame_spectra(waveform.astype(np.float32), starts, self.frame_size)[:-1]
        energy = np.square(np.abs(sources.sum(axis=0))).sum()
        ratio = energy / np.square(np.abs(added)).sum()
        sources[1] += added * np.float32(np.sqrt(ratio * 10 ** (self.mixing.level / 10)))

    def _sources(self, row: pd.Series, *change: float) -> Sources:
        return np.stack([self._source(source, row, *change) for source in (VOCALS, ACCOMPANIMENT)])

    def _source(self, source: int, row: pd.Series, *change: float) -> np.ndarray:
        """Compute one source of a row; a splice takes each half from its own tile."""
        tile, half = row["tile"], self.frames // 2
        if row["kind"] != "splice":
            return self._excerpt(source, tile, 0, self.frames, *change)
        second = row["next"] if "next" in row else tile + 1
        ends = self._excerpt(source, tile, half, half, *change)
        return np.concatenate((ends, self._excerpt(source, second, 0, half, *change)), axis=-1)

    def _excerpt(
        self,
        source: int,
        tile: int,
        skip: int,
        frames: int,
        shift: float = 0.5,
        pitch: float = 0.5,
        tempo: float = 0.5,
    ) -> np.ndarray:
        """Compute frames of a tile after its first ``skip``, changed by the random numbers."""
        mixing = self.mixing
        mixture, vocals = self.songs[self.track[tile]]
        start = (self.first[tile] + skip) * self.hop
        if mixing.crop == "random":
            reach = self.frames * self.hop // 2
            start += round(_between(-reach, reach, shift))
            start = min(max(start, 0), max(len(mixture) - frames * self.hop, 0))
        semitones = _between(-mixing.pitch, mixing.pitch, pitch)
        faster = _between(1 - mixing.tempo, 1 + mixing.tempo, tempo)
        whole, subtract = (vocals, None) if source == VOCALS else (mixture, vocals)
        return spectrum(
            whole, subtract, start, frames, self.frame_size, self.hop, semitones, faster
        )


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part
