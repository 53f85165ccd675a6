"""The table of training examples: originals, splices (Algorithm 1), blackouts (Algorithm 2).

An example is a row, not a copy: which tile, what is done to it, and on which side of the split it
stands. :mod:`vocalseg.loader` makes the arrays. docs/fidelity.md says which arguments give the
examples of the paper's text and which those of its published code.
"""

import math
from collections.abc import Collection
from fractions import Fraction

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
    originals: int | None = None,
    exact: bool = False,
    choose: str = "random",
    across_songs: bool = False,
    split: str = "auto",
) -> pd.DataFrame:
    """Choose the examples.

    Parameters
    ----------
    tiles : DataFrame
        One row per tile of the store, in its order: ``track`` (name of the song), ``first_frame``
        and ``vocal_l1`` (sum of ``|samples|`` of its vocals).
    splice, blackout : float, in [0, 1]
        Splices and blackouts per original. Splices are limited by the pairs that can be joined:
        the last tile of a song has no next one.
    min_vocal_l1 : float
        Tiles with quieter vocals are left out: the published code does so, the paper is silent.
    validation : float, in (0, 1)
        Part held out for validation: of the songs, rounded up, or with ``split="example"`` of the
        examples, rounded down.
    tile_frames : int
    seed : int
    validation_songs : collection of str
        Names of the songs that the data set means for validation.
    originals : int, optional
        Number of tiles to work with. The tiles of whole songs are taken, in a random order of the
        songs, and the last song is cut to fit; with ``choose="first"`` they are the first tiles of
        the store. All tiles by default.
    exact : bool
        Leave out originals until splices and blackouts stand in exactly the given proportions.
    choose : {"random", "first"}
        Which tiles are spliced and blacked out: drawn at random, or the first of the store, with
        their numbers rounded down, as in the published code.
    across_songs : bool
        Splices join each tile with the next one that is loud enough, also over a gap or from one
        song to another, as Algorithm 1 reads to the letter and the published code does. Otherwise
        they join neighbours within a song.
    split : {"auto", "song", "official", "example"}
        ``official``: validate on ``validation_songs``. ``song``: on songs drawn at random.
        ``auto``: official if any of those has usable tiles, else ``song``. ``example``: on examples
        drawn at random, as in the published code; the same seconds can then stand on both sides.

    Returns
    -------
    DataFrame
        ``kind`` (original, splice or blackout), ``tile`` (row of the store), ``blackout_start``
        (frame, -1 for none), ``part`` (train or validation). A splice takes its second half from
        the next row of the store, or, with ``across_songs``, from the row in the column ``next``
        (-1 for other kinds). Split by song, a splice of two songs is for validation if either of
        them is, so that nothing of a held-out song is trained on.

    Raises
    ------
    BadInput
        If there are too few usable tiles or songs for what is asked, or the split leaves nothing
        on one of its sides.
    """
    rng = np.random.default_rng(seed)
    track = tiles["track"].to_numpy()
    kept = np.flatnonzero(tiles["vocal_l1"].to_numpy() >= min_vocal_l1)
    if originals is not None:
        kept = _whole_songs(rng, kept, track, originals, choose)
    songs = len(set(track[kept]))
    if songs < 2 and (split != "example" or not songs):
        raise BadInput(
            f"training songs with vocals: {songs}, but at least two are needed, one to validate "
            "on; add songs, or lower augment.min_vocal_l1"
        )

    first, second = kept[:-1], kept[1:]
    if not across_songs:
        adjacent = (first + 1 == second) & (track[first] == track[second])
        first, second = first[adjacent], second[adjacent]
    splice, blackout = Fraction(str(splice)), Fraction(str(blackout))
    chosen = kept
    if exact:
        number = _largest_exact(len(kept), len(first), splice, blackout)
        chosen = _choose(rng, kept, number, choose)
        splices, blackouts = int(splice * number), int(blackout * number)
    elif choose == "first":
        splices, blackouts = math.floor(splice * len(first)), math.floor(blackout * len(kept))
    else:
        splices, blackouts = round(splice * len(kept)), round(blackout * len(kept))
    pairs = _choose(rng, np.arange(len(first)), splices, choose)
    blacked = _choose(rng, kept, blackouts, choose)

    table = pd.concat(
        [
            pd.DataFrame({"kind": "original", "tile": chosen, "next": -1, "blackout_start": -1}),
            pd.DataFrame(
                {
                    "kind": "splice",
                    "tile": first[pairs],
                    "next": second[pairs],
                    "blackout_start": -1,
                }
            ),
            pd.DataFrame(
                {
                    "kind": "blackout",
                    "tile": blacked,
                    "next": -1,
                    "blackout_start": rng.integers(0, tile_frames // 2, len(blacked)),
                }
            ),
        ],
        ignore_index=True,
    )
    if split == "example":
        held_out = _held_out_examples(len(table), validation, seed)
    else:
        held = _held_out_songs(track[kept], validation, validation_songs, split, seed)
        tile, following = table["tile"].to_numpy(), table["next"].to_numpy()
        following = np.where(following < 0, tile, following)
        held_out = np.isin(track[tile], held) | np.isin(track[following], held)
    table["part"] = np.where(held_out, "validation", "train")
    return table if across_songs else table.drop(columns="next")


def _whole_songs(
    rng: np.random.Generator, kept: np.ndarray, track: np.ndarray, number: int, choose: str
) -> np.ndarray:
    """``number`` of the usable tiles, in their order, so that most neighbours stay together."""
    if number > len(kept):
        raise BadInput(
            f"params.yaml: augment.originals = {number}: only {len(kept)} tiles have vocals; lower "
            "it, or augment.min_vocal_l1"
        )
    if choose == "first":
        return kept[:number]
    names, song = np.unique(track[kept], return_inverse=True)
    place = rng.permutation(len(names))
    return np.sort(kept[np.argsort(place[song], kind="stable")[:number]])


def _largest_exact(tiles: int, pairs: int, splice: Fraction, blackout: Fraction) -> int:
    """The largest number of originals of which both parts are whole and can be had."""
    step = math.lcm(splice.denominator, blackout.denominator)
    most = min(tiles, math.floor(pairs / splice)) if splice else tiles
    if most < step:
        raise BadInput(
            f"params.yaml: augment.exact: {tiles} tiles with vocals are too few for exactly "
            f"{splice} splices and {blackout} blackouts per original; choose simpler fractions, "
            "or augment.exact = false"
        )
    return most // step * step


def _held_out_examples(count: int, part: float, seed: int) -> np.ndarray:
    """Which of ``count`` examples are for validation: a mask, whatever their songs."""
    number = math.floor(Fraction(str(part)) * count)
    if not number:
        raise BadInput(
            f"params.yaml: augment.validation = {part}: leaves none of {count} examples to "
            "validate on; raise it"
        )
    held_out = np.zeros(count, bool)
    held_out[np.random.RandomState(seed).permutation(count)[:number]] = True
    return held_out


def _held_out_songs(
    songs: np.ndarray, part: float, validation_songs: Collection[str], split: str, seed: int
) -> np.ndarray:
    """Names of the songs whose examples are for validation, from the song of each tile."""
    names = np.unique(songs)
    meant = names[np.isin(names, list(validation_songs))]
    if split != "song":
        if len(meant) == len(names):
            raise BadInput(
                "training songs with vocals: all are validation songs; add others to train on"
            )
        if len(meant):
            return meant
        if split == "official":
            raise BadInput(
                "params.yaml: augment.split = 'official': the data set names no validation song "
                "among the training songs with vocals; use song"
            )
    # As scikit-learn's GroupShuffleSplit draws, whose import takes longer than the whole stage.
    count = math.ceil(part * len(names))
    if count == len(names):
        raise BadInput(
            f"params.yaml: augment.validation = {part}: leaves none of {len(names)} songs to "
            "train on; lower it"
        )
    return np.random.RandomState(seed).permutation(names)[:count]


def _choose(rng: np.random.Generator, rows: np.ndarray, count: int, how: str) -> np.ndarray:
    """At most ``count`` different rows, in their order."""
    if how == "first":
        return rows[:count]
    return np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
