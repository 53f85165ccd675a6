"""Songs that a data set assigns to validation are held out; otherwise, songs are drawn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupShuffleSplit

from vocalseg.examples import make_table

SONGS = [f"song {i}" for i in range(10)]
TILES = pd.DataFrame(
    {
        "track": np.repeat(SONGS, 6),
        "first_frame": np.tile(np.arange(6) * 128, 10),
        "vocal_l1": 1000.0,
    }
)


def table(validation=0.1, validation_songs=(), seed=42, tiles=TILES):
    return make_table(
        tiles, splice=1.0, blackout=0.5, min_vocal_l1=100, validation=validation, tile_frames=128,
        seed=seed, validation_songs=validation_songs,
    )  # fmt: skip


def held_out(examples, tiles=TILES):
    rows = examples.loc[examples["part"] == "validation", "tile"]
    return set(tiles["track"].to_numpy()[rows])


@pytest.mark.parametrize("as_type", [list, set, pd.Series])
def test_given_songs_and_no_others_are_the_validation_part(as_type):
    given = as_type(["song 3", "song 7", "a song without usable tiles"])
    for seed in range(3):
        assert held_out(table(0.5, given, seed)) == {"song 3", "song 7"}


def test_choice_of_examples_does_not_depend_on_given_songs():
    columns = ["kind", "tile", "blackout_start"]
    pd.testing.assert_frame_equal(table()[columns], table(0.1, ["song 3"])[columns])


def test_songs_are_drawn_if_no_given_song_has_usable_tiles():
    pd.testing.assert_frame_equal(table(0.3, ["elsewhere"]), table(0.3))


def test_given_songs_must_leave_others_for_training(rejects):
    with rejects("validation songs", "for training"):
        table(0.1, SONGS)


@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("validation", [0.1, 0.25, 0.33, 0.9])
def test_songs_are_drawn_as_by_scikit_learn(validation, seed):
    examples = table(validation, seed=seed)
    songs = TILES["track"].to_numpy()[examples["tile"]]
    split = GroupShuffleSplit(n_splits=1, test_size=validation, random_state=seed)
    _, expected = next(split.split(songs, groups=songs))
    assert np.flatnonzero(examples["part"] == "validation").tolist() == expected.tolist()
