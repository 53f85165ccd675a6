"""The protocol behind the paper's Table I, point by point as its published code computes it.

It serves one purpose: to say what Table I would have printed. It flatters every estimate, the
unprocessed mixture most (docs/evaluation.md), and says nothing of how good a separation is.
"""

from collections.abc import Iterable, Iterator

import librosa
import numpy as np
from mir_eval import separation

from vocalseg.scores import LIMIT_DB

TAPS = 512
TILES_PER_SEGMENT = 5
SEGMENTS_PER_CALL = 5
MIN_L1 = 100.0

Tiles = tuple[np.ndarray, np.ndarray, np.ndarray]


def segments(songs: Iterable[Tiles], hop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Waveforms of estimate and "true" vocals, as the protocol makes them.

    Parameters
    ----------
    songs : iterable of (estimate, vocals, phase)
        Each (n, bins, tile_frames), song by song: magnitudes float32, the mixture's phase
        complex64.
    hop : int

    Yields
    ------
    estimate, vocals : float32 arrays, (samples,)
    """
    for tiles in _groups(songs):
        # Five tiles in file order are joined to one segment, also across the end of a song.
        estimate, vocals, phase = (np.concatenate(list(part), axis=1) for part in tiles)
        # The vocals' reference gets the mixture's phase too, so its phase error costs nothing.
        # 512 rows make the inverse assume a frame of 1,022 samples where 1,024 were analysed.
        estimate, vocals = (
            librosa.istft(magnitude * phase, hop_length=hop, window="hann")
            for magnitude in (estimate, vocals)
        )
        # Segments with nearly silent vocals, or with an estimate of zeros, do not count.
        if np.abs(vocals).sum() >= MIN_L1 and estimate.any():
            yield estimate, vocals


def score(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """BSSEval v3 of five segments by mir_eval, with the protocol's two twists.

    Parameters
    ----------
    pairs : list of (estimate, vocals)
        Waveforms of equal length.

    Returns
    -------
    dict
        ``sdr``, ``sir``, ``sar``: one value in dB for each segment.
    """
    estimates, vocals = (
        np.stack(signals).astype(np.float64) for signals in zip(*pairs, strict=True)
    )
    # Five stretches of time stand as if they were five sources sounding together: "SIR" is about
    # other moments of the same vocals, not about the accompaniment.
    # The estimate stands where the reference belongs, and the reference as the estimate.
    # mir_eval.separation.bss_eval_sources would build the sources' Gram matrix and solve with it
    # anew for each of the five; as five channels of one source they share it.
    on_all = separation._project_images(estimates.T[np.newaxis], vocals.T, TAPS)
    ratios = []
    for estimate, true, projection in zip(estimates, vocals, on_all, strict=True):
        target = np.pad(estimate, (0, TAPS - 1))
        on_one = separation._project(estimate[np.newaxis], true, TAPS)
        rest = np.pad(true, (0, TAPS - 1)) - projection
        parts = target, on_one - target, projection - on_one, rest
        ratios.append(separation._bss_source_crit(*parts))
    return {
        name: np.clip(values, -LIMIT_DB, LIMIT_DB)
        for name, values in zip(("sdr", "sir", "sar"), zip(*ratios, strict=True), strict=True)
    }


def calls(pairs: Iterable) -> Iterator[list]:
    """Five segments for each call of :func:`score`; the remainder of the test set is dropped."""
    yield from _chunks(pairs, SEGMENTS_PER_CALL)


def summarise(scores: Iterable[dict[str, np.ndarray]]) -> dict[str, float]:
    """Mean over all segments; NaN where the test set does not fill a single call."""
    scores = list(scores)
    return {
        name: float(np.mean([s[name] for s in scores])) if scores else float("nan")
        for name in ("sdr", "sir", "sar")
    }


def _groups(songs: Iterable[Tiles]) -> Iterator[tuple]:
    tiles = (tile for song in songs for tile in zip(*song, strict=True))
    for group in _chunks(tiles, TILES_PER_SEGMENT):
        yield tuple(zip(*group, strict=True))


def _chunks(items: Iterable, size: int) -> Iterator[list]:
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
