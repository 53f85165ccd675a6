"""The protocol behind the paper's Table I, reproduced step by step from its published code.

Its only purpose is to compute what Table I would report. It overrates every estimate, most of all
the unprocessed mixture (docs/evaluation.md), and does not measure the quality of a separation.
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
    """Yield waveforms of the estimate and the "true" vocals as the protocol makes them.

    Parameters
    ----------
    songs : iterable of (estimate, vocals, phase)
        Each (n, bins, tile_frames), song by song: magnitudes float32, the mixture's phase
        complex64.
    hop : int
        Frame distance in samples.

    Yields
    ------
    estimate, vocals : float32 arrays, (samples,)
        One segment of five tiles.
    """
    for tiles in _groups(songs):
        # Five tiles in file order are concatenated to a segment, even across the end of a song.
        estimate, vocals, phase = (np.concatenate(list(part), axis=1) for part in tiles)
        # The reference vocals also get the mixture's phase, so phase errors are not counted.
        # From 512 rows, the inverse infers frames of 1,022 samples instead of the actual 1,024.
        estimate, vocals = (
            librosa.istft(magnitude * phase, hop_length=hop, window="hann")
            for magnitude in (estimate, vocals)
        )
        # Segments with nearly silent vocals or an estimate of zeros are ignored.
        if np.abs(vocals).sum() >= MIN_L1 and estimate.any():
            yield estimate, vocals


def score(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """Compute BSSEval v3 of five segments with mir_eval, with the protocol's two errors.

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
    # Five consecutive segments are treated as five simultaneous sources: "SIR" refers to other
    # moments of the same vocals, not to the accompaniment.
    # Reference and estimate are swapped.
    # mir_eval.separation.bss_eval_sources would compute and solve the same Gram matrix for each of
    # the five sources; as five channels of one source they share it.
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
    """Group segments into fives, one group per call of :func:`score`; the remainder is dropped."""
    yield from _chunks(pairs, SEGMENTS_PER_CALL)


def summarise(scores: Iterable[dict[str, np.ndarray]]) -> dict[str, float]:
    """Return the mean over all segments; NaN if the test set is too short for one call."""
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
