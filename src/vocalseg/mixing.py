"""Examples made from waveforms: sources of any songs, mixed anew in each epoch.

The STFT is linear, so the spectrum of a mix is the sum of its sources' spectra: a new mix costs no
more than reading two sources. What is random follows from (seed, epoch, row of the table) alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vocalseg.frames import framed, spectrum

#: Vocals and accompaniment of a tile, complex64 (2, bins, frames).
Sources = np.ndarray

VOCALS, REST = 0, 1  # of the sources

#: What is drawn for each row, uniform in [0, 1), in this order; a new one comes last.
DRAWS = (
    *("remix", "partner", "gain", "partner_gain", "shift", "partner_shift"),
    *("pitch", "partner_pitch", "tempo", "partner_tempo"),
    *("tones", "tone_frequency", "tone_phase", "noise"),
)


@dataclass(frozen=True)
class Mixing:
    """What is done to training examples; nothing by default.

    Attributes
    ----------
    remix : float, in [0, 1]
        Part of the examples whose accompaniment is another song's.
    gain : float
        dB by which each source is raised or lowered, at most.
    crop : {"grid", "random"}
        ``random``: a tile begins up to half a tile earlier or later.
    pitch : float
        Semitones by which a song is transposed, at most; its tempo follows.
    tempo : float, in [0, 1)
        Part by which a song becomes faster or slower, at most.
    tones, noise : float, in [0, 1]
        Part of the examples with a static tone, or white noise, in their accompaniment.
    level : float
        Energy of either over that of the mixture, in dB.
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
        """Whether any example differs from what the table says."""
        parts = self.remix, self.gain, self.pitch, self.tempo, self.tones, self.noise
        return any(parts) or self.crop == "random"


class Mixer:
    """Spectra of the rows of a table of examples.

    Parameters
    ----------
    songs : mapping
        Name to mixture and vocals, float32 (samples,) each, which may be memory-mapped.
    tiles : DataFrame
        ``track`` and ``first_frame`` of each tile of the store.
    pool : DataFrame
        Rows of the table that may lend their accompaniment: those trained on.
    frame_size, hop, frames : int
        Of the STFT, and of a tile.
    mixing : Mixing
    seed : int
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
        mixing: Mixing = Mixing(),
        seed: int = 0,
    ):
        self.songs, self.mixing, self.seed = songs, mixing, seed
        self.frame_size, self.hop, self.frames = frame_size, hop, frames
        self.track, self.first = tiles["track"].to_numpy(), tiles["first_frame"].to_numpy()
        self.pool = pool.reset_index(drop=True)
        song = self.track[self.pool["tile"].to_numpy()]
        self.others = {name: np.flatnonzero(song != name) for name in set(self.track)}

    def spectra(self, rows: pd.DataFrame, epoch: int | None = None) -> np.ndarray:
        """Vocals and accompaniment of examples, complex64 (n, 2, bins, frames).

        Parameters
        ----------
        rows : DataFrame
            Of the table of examples; the index is a row's number.
        epoch : int, optional
            What is random follows from it; without it, nothing is: the table's own examples.
        """
        made = np.empty((len(rows), 2, self.frame_size // 2, self.frames), np.complex64)
        for example, (number, row) in zip(made, rows.iterrows(), strict=True):
            example[:] = self._both(row) if epoch is None else self._mixed(row, number, epoch)
            start = row["blackout_start"]
            if start >= 0:
                example[..., start : start + self.frames // 2] = 0
        return made

    def _mixed(self, row: pd.Series, number: int, epoch: int) -> Sources:
        mixing = self.mixing
        rng = np.random.default_rng((self.seed, epoch, number))
        u = dict(zip(DRAWS, rng.random(len(DRAWS)), strict=True))
        change = u["shift"], u["pitch"], u["tempo"]
        others = self.others[self.track[row["tile"]]]
        if u["remix"] < mixing.remix and len(others):
            lender = self.pool.loc[others[int(u["partner"] * len(others))]]
            lent = u["partner_shift"], u["partner_pitch"], u["partner_tempo"]
            vocals = self._taken(VOCALS, row, *change)
            sources = np.stack([vocals, self._taken(REST, lender, *lent)])
        else:
            sources = self._both(row, *change)
        for source, name in zip(sources, ("gain", "partner_gain"), strict=True):
            source *= 10 ** (_between(-mixing.gain, mixing.gain, u[name]) / 20)
        if u["tones"] < mixing.tones:
            # Digital frequency from 2 bins to 2 bins below the highest.
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
        """Add a waveform to the accompaniment, at its level under the mixture."""
        starts = np.arange(self.frames) * self.hop
        added = framed(waveform.astype(np.float32), starts, self.frame_size)[:-1]
        energy = np.square(np.abs(sources.sum(axis=0))).sum()
        ratio = energy / np.square(np.abs(added)).sum()
        sources[1] += added * np.float32(np.sqrt(ratio * 10 ** (self.mixing.level / 10)))

    def _both(self, row: pd.Series, *change: float) -> Sources:
        return np.stack([self._taken(source, row, *change) for source in (VOCALS, REST)])

    def _taken(self, source: int, row: pd.Series, *change: float) -> np.ndarray:
        """A source of a row; a splice takes each half from its own tile."""
        tile, half = row["tile"], self.frames // 2
        if row["kind"] != "splice":
            return self._cut(source, tile, 0, self.frames, *change)
        second = row["next"] if "next" in row else tile + 1
        ends = self._cut(source, tile, half, half, *change)
        return np.concatenate((ends, self._cut(source, second, 0, half, *change)), axis=-1)

    def _cut(
        self,
        source: int,
        tile: int,
        skip: int,
        frames: int,
        shift: float = 0.5,
        pitch: float = 0.5,
        tempo: float = 0.5,
    ) -> np.ndarray:
        """Frames of a tile, after its first ``skip``; what is drawn says how they are changed."""
        mixing = self.mixing
        mixture, vocals = self.songs[self.track[tile]]
        start = (self.first[tile] + skip) * self.hop
        if mixing.crop == "random":
            reach = self.frames * self.hop // 2
            start += round(_between(-reach, reach, shift))
            start = min(max(start, 0), max(len(mixture) - frames * self.hop, 0))
        semitones = _between(-mixing.pitch, mixing.pitch, pitch)
        faster = _between(1 - mixing.tempo, 1 + mixing.tempo, tempo)
        place = start, frames, self.frame_size, self.hop, semitones, faster
        whole, less = (vocals, None) if source == VOCALS else (mixture, vocals)
        return spectrum(whole, less, *place)


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part
