"""The table of training examples: originals, splices (Algorithm 1), blackouts (Algorithm 2).

An example is a row, not a copy: which tile, what is done to it, and on which side of the split its
song stands. :mod:`vocalseg.loader` makes the arrays.
"""

import math
from collections.abc import Collection

import numpy as np
import pandas as pd

from vocalseg.errors import BadInput


def make_table(
    tiles: pd.DataFrame,
    *,
    splice: float,
    blackout: float,
    min_vocal_l1: float,
    validation: float,
    tile_frames: int,
    seed: int,
    validation_songs: Collection[str] = (),
) -> pd.DataFrame:
    """Choose the examples.

    Parameters
    ----------
    tiles : DataFrame
        One row per tile of the store, in its order: ``track`` (name of the song), ``first_frame``
        and ``vocal_l1`` (sum of |samples| of its vocals).
    splice, blackout : float, in [0, 1]
        Splices and blackouts per original. Splices are limited by the pairs of adjacent tiles:
        the last tile of a song has no next one.
    min_vocal_l1 : float
        Tiles with quieter vocals are left out: the published code does so, the paper is silent.
    validation : float, in (0, 1)
        Part of the songs, rounded up, whose examples are for validation, all of them.
    tile_frames : int
    seed : int
    validation_songs : collection of str
        Names of the songs that the data set means for validation. If it has any, they are the
        validation part, and ``validation`` is not used.

    Returns
    -------
    DataFrame
        ``kind`` (original, splice or blackout), ``tile`` (row of the store; a splice also takes
        the next row), ``blackout_start`` (frame, -1 for none), ``part`` (train or validation).

    Raises
    ------
    BadInput
        If fewer than two songs have usable tiles, or the split leaves none to train on.
    """
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(tiles["vocal_l1"].to_numpy() >= min_vocal_l1)
    track = tiles["track"].to_numpy()
    songs = len(set(track[kept]))
    if songs < 2:
        raise BadInput(
            f"training songs with vocals: {songs}, but at least two are needed, one to validate "
            "on; add songs, or lower augment.min_vocal_l1"
        )

    next_row = kept[:-1] + 1
    adjacent = (next_row == kept[1:]) & (track[kept[:-1]] == track[kept[1:]])
    spliced = _choose(rng, kept[:-1][adjacent], round(splice * len(kept)))
    blacked = _choose(rng, kept, round(blackout * len(kept)))
    half = tile_frames // 2

    table = pd.concat(
        [
            pd.DataFrame({"kind": "original", "tile": kept, "blackout_start": -1}),
            pd.DataFrame({"kind": "splice", "tile": spliced, "blackout_start": -1}),
            pd.DataFrame(
                {
                    "kind": "blackout",
                    "tile": blacked,
                    "blackout_start": rng.integers(0, half, len(blacked)),
                }
            ),
        ],
        ignore_index=True,
    )
    held_out = _held_out(track[table["tile"]], validation, validation_songs, seed)
    table["part"] = np.where(held_out, "validation", "train")
    return table


def _held_out(
    songs: np.ndarray, part: float, validation_songs: Collection[str], seed: int
) -> np.ndarray:
    """Which examples are for validation, from the song of each."""
    meant = np.isin(songs, list(validation_songs))
    if meant.all():
        raise BadInput(
            "training songs with vocals: all are validation songs; add others to train on"
        )
    if meant.any():
        return meant
    # As scikit-learn's GroupShuffleSplit draws, whose import takes longer than the whole stage.
    names = np.unique(songs)
    count = math.ceil(part * len(names))
    if count == len(names):
        raise BadInput(
            f"params.yaml: augment.validation = {part}: leaves none of {len(names)} songs to "
            "train on; lower it"
        )
    return np.isin(songs, np.random.RandomState(seed).permutation(names)[:count])


def _choose(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` different rows, in their order."""
    return np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
