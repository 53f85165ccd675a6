"""The table of training examples: originals, splices (Algorithm 1) and blackouts (Algorithm 2).

An example is a row, not a copy of a tile: it names the tile, the augmentation, and the part of the
split. :mod:`vocalseg.loader` makes the arrays. docs/fidelity.md lists the arguments that reproduce
the paper's text and those that reproduce its published code.
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
    """Choose the training examples.

    Parameters
    ----------
    tiles : DataFrame
        One row per tile of the store, in its order: ``track`` (name of the song), ``first_frame``
        and ``vocal_l1`` (sum of ``|samples|`` of its vocals).
    splice, blackout : float, in [0, 1]
        Number of splices and blackouts per original. Splices are limited by the number of pairs
        that can be joined: the last tile of a song has no successor.
    min_vocal_l1 : float
        Tiles with less vocals are left out, as in the published code; the paper does not mention
        it.
    validation : float, in (0, 1)
        Fraction held out for validation: of the songs, rounded up, or with ``split="example"`` of
        the examples, rounded down.
    tile_frames : int
        Frames per tile; a blackout covers half of them.
    seed : int
        Seed of all random choices.
    validation_songs : collection of str
        Names of the data set's official validation songs.
    originals : int, optional
        Number of tiles to use, by default all. Tiles of whole songs are taken, in a random order of
        the songs, and the last song is cut to fit; with ``choose="first"``, they are the first
        tiles of the store.
    exact : bool
        Leave out originals until splices and blackouts have exactly the given proportions.
    choose : {"random", "first"}
        Tiles to splice and black out: random ones, or the first of the store with numbers rounded
        down, as in the published code.
    across_songs : bool
        Join each tile with the next one that is loud enough, even across a gap or from one song to
        the next, which is the literal meaning of Algorithm 1 and what the published code does. By
        default, splices join adjacent tiles of a song.
    split : {"auto", "song", "official", "example"}
        ``official``: validate on ``validation_songs``. ``song``: validate on random songs.
        ``auto``: official if any of those songs has usable tiles, otherwise ``song``. ``example``:
        validate on random examples, as in the published code; training and validation then share
        audio.

    Returns
    -------
    DataFrame
        ``kind`` (original, splice or blackout), ``tile`` (row of the store), ``blackout_start``
        (frame, -1 for none), ``part`` (train or validation). A splice takes its second half from
        the next row of the store or, with ``across_songs``, from the row in the column ``next`` (-1
        for other kinds). If songs are held out, a splice of two songs is for validation if either
        of them is, so that training uses no part of a held-out song.

    Raises
    ------
    BadInput
        If there are too few usable tiles or songs, or if one part of the split is empty.

    Examples
    --------
    >>> tiles = pd.DataFrame({"track": list("aabb"), "first_frame": [0, 9] * 2, "vocal_l1": 500.0})
    >>> table = make_table(tiles, splice=1, blackout=0.5, min_vocal_l1=100, validation=0.5,
    ...                    tile_frames=9, seed=0)
    >>> table["kind"].value_counts().to_dict()
    {'original': 4, 'splice': 2, 'blackout': 2}
    """
    rng = np.random.default_rng(seed)
    track = tiles["track"].to_numpy()
    kept = np.flatnonzero(tiles["vocal_l1"].to_numpy() >= min_vocal_l1)
    if originals is not None:
        kept = _whole_songs(rng, kept, track, originals, choose)
    songs = len(set(track[kept]))
    if songs < 2 and (split != "example" or not songs):
        raise BadInput(
            f"training songs with vocals: {songs}, but at least two are needed, one of them for "
            "validation; add songs, or lower augment.min_vocal_l1"
        )

    first, second = kept[:-1], kept[1:]
    if not across_songs:
        adjacent = (first + 1 == second) & (track[first] == track[second])
        first, second = first[adjacent], second[adjacent]
    exact_splice, exact_blackout = Fraction(str(splice)), Fraction(str(blackout))
    chosen = kept
    if exact:
        number = _largest_exact(len(kept), len(first), exact_splice, exact_blackout)
        chosen = _choose(rng, kept, number, choose)
        splices, blackouts = int(exact_splice * number), int(exact_blackout * number)
    elif choose == "first":
        splices = math.floor(exact_splice * len(first))
        blackouts = math.floor(exact_blackout * len(kept))
    else:
        splices, blackouts = round(exact_splice * len(kept)), round(exact_blackout * len(kept))
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
    """Choose ``number`` of the usable tiles, in their order, song by song."""
    if number > len(kept):
        raise BadInput(
            f"params.yaml: augment.originals = {number}: only {len(kept)} tiles have vocals; lower "
            "it, or lower augment.min_vocal_l1"
        )
    if choose == "first":
        return kept[:number]
    names, song = np.unique(track[kept], return_inverse=True)
    order = rng.permutation(len(names))
    return np.sort(kept[np.argsort(order[song], kind="stable")[:number]])


def _largest_exact(tiles: int, pairs: int, splice: Fraction, blackout: Fraction) -> int:
    """Return the largest number of originals for which both proportions are exact and possible."""
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
    """Return a mask of the validation examples, drawn from all ``count`` examples."""
    number = math.floor(Fraction(str(part)) * count)
    if not number:
        raise BadInput(
            f"params.yaml: augment.validation = {part}: leaves none of {count} examples for "
            "validation; raise it"
        )
    held_out = np.zeros(count, bool)
    held_out[np.random.RandomState(seed).permutation(count)[:number]] = True
    return held_out


def _held_out_songs(
    songs: np.ndarray, part: float, validation_songs: Collection[str], split: str, seed: int
) -> np.ndarray:
    """Return the names of the validation songs, given the song of each tile."""
    names = np.unique(songs)
    official = names[np.isin(names, list(validation_songs))]
    if split != "song":
        if len(official) == len(names):
            raise BadInput(
                "training songs with vocals: all are validation songs; add songs for training"
            )
        if len(official):
            return official
        if split == "official":
            raise BadInput(
                "params.yaml: augment.split = 'official': the data set names no validation song "
                "among the training songs with vocals; use song"
            )
    # Same result as scikit-learn's GroupShuffleSplit, whose import takes longer than the stage.
    count = math.ceil(part * len(names))
    if count == len(names):
        raise BadInput(
            f"params.yaml: augment.validation = {part}: leaves none of {len(names)} songs for "
            "training; lower it"
        )
    return np.random.RandomState(seed).permutation(names)[:count]


def _choose(rng: np.random.Generator, rows: np.ndarray, count: int, how: str) -> np.ndarray:
    """Choose at most ``count`` different rows, in their order."""
    if how == "first":
        return rows[:count]
    return np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
