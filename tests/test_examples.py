"""The table of examples: number of each kind, choice of tiles, and split by song."""

import numpy as np
import pandas as pd
import pytest

from vocalseg.examples import make_table

LOUD, SILENT = 1000.0, 1.0


def store(**songs):
    """Index of a tile store, given the L1 norm of the vocals in each song's tiles."""
    rows = [
        (track, 128 * i, loudness)
        for track, tiles in songs.items()
        for i, loudness in enumerate(tiles)
    ]
    return pd.DataFrame(rows, columns=["track", "first_frame", "vocal_l1"])


def many_songs(count=20, tiles=50):
    return store(**{f"song {i:02}": [LOUD] * tiles for i in range(count)})


def table(tiles, **changes):
    settings = {
        "splice": 1.0,
        "blackout": 0.5,
        "min_vocal_l1": 100,
        "validation": 0.1,
        "tile_frames": 128,
        "seed": 42,
    }
    return make_table(tiles, **settings | changes)


def kind(examples, name):
    return examples[examples["kind"] == name]


def held_out(tiles, **changes):
    examples = table(tiles, **changes)
    rows = examples.loc[examples["part"] == "validation", "tile"]
    return set(tiles["track"].to_numpy()[rows])


# ------------------------------------------------------------------ number of examples


def test_every_usable_tile_is_one_original():
    originals = kind(table(many_songs()), "original")
    assert originals["tile"].tolist() == list(range(1000))
    assert (originals["blackout_start"] == -1).all()


@pytest.mark.parametrize(("splice", "blackout"), [(0.5, 0.25), (0.25, 1.0), (0, 0), (0.9, 0.1)])
def test_numbers_of_splices_and_blackouts_are_proportional_to_originals(splice, blackout):
    examples = table(many_songs(), splice=splice, blackout=blackout)
    assert len(kind(examples, "original")) == 1000
    assert len(kind(examples, "splice")) == 1000 * splice
    assert len(kind(examples, "blackout")) == 1000 * blackout
    assert len(examples) == 1000 * (1 + splice + blackout)


def test_splices_are_limited_to_pairs_of_adjacent_tiles():
    examples = table(many_songs(20, 50), splice=1.0)
    assert len(kind(examples, "splice")) == 20 * 49


def test_proportions_of_the_paper_are_two_to_two_to_one():
    share = table(many_songs(4, 2000))["kind"].value_counts(normalize=True)
    assert share["original"] == pytest.approx(0.4, abs=0.001)
    assert share["splice"] == pytest.approx(0.4, abs=0.001)
    assert share["blackout"] == pytest.approx(0.2, abs=0.001)


def test_no_tile_is_spliced_or_blacked_out_twice():
    examples = table(many_songs())
    for name in ("splice", "blackout"):
        assert kind(examples, name)["tile"].is_unique


# ------------------------------------------------------------------ choice of tiles


def test_splices_join_adjacent_tiles_of_one_song():
    tiles = many_songs(10, 7)
    first = kind(table(tiles), "splice")["tile"].to_numpy()
    track, frame = tiles["track"].to_numpy(), tiles["first_frame"].to_numpy()
    assert (track[first] == track[first + 1]).all()
    assert (frame[first] + 128 == frame[first + 1]).all()
    assert (kind(table(tiles), "splice")["blackout_start"] == -1).all()


def test_splices_do_not_skip_excluded_tiles():
    tiles = store(a=[LOUD, LOUD, SILENT, LOUD, LOUD, SILENT], b=[LOUD, SILENT, LOUD, LOUD])
    assert kind(table(tiles), "splice")["tile"].tolist() == [0, 3, 8]


@pytest.mark.parametrize(
    ("threshold", "kept"), [(0, [0, 1, 2, 3]), (100, [1, 2, 3]), (101, [2, 3])]
)
def test_tiles_with_vocals_below_the_threshold_are_excluded(threshold, kept):
    tiles = store(a=[99.9, 100.0, LOUD], b=[LOUD])
    examples = table(tiles, min_vocal_l1=threshold, blackout=1.0)
    assert kind(examples, "original")["tile"].tolist() == kept
    assert kind(examples, "blackout")["tile"].tolist() == kept


@pytest.mark.parametrize("tile_frames", [16, 128])
def test_blackouts_start_anywhere_in_the_first_half_of_a_tile(tile_frames):
    starts = kind(table(many_songs(), blackout=1.0, tile_frames=tile_frames), "blackout")
    assert set(starts["blackout_start"]) == set(range(tile_frames // 2))


# ------------------------------------------------------------------ the split


@pytest.mark.parametrize("seed", range(10))
def test_no_song_is_in_both_parts(seed):
    tiles = many_songs(10, 6)
    examples = table(tiles, seed=seed)
    track = tiles["track"].to_numpy()
    songs_by_part = {}
    for part, rows in examples.groupby("part"):
        used = rows["tile"].to_numpy()
        following = used[rows["kind"] == "splice"] + 1
        songs_by_part[part] = set(track[used]) | set(track[following])
    assert songs_by_part.keys() == {"train", "validation"}
    assert not songs_by_part["train"] & songs_by_part["validation"]
    assert songs_by_part["train"] | songs_by_part["validation"] == set(track)


@pytest.mark.parametrize(
    ("songs", "validation", "count"), [(10, 0.1, 1), (11, 0.1, 2), (20, 0.25, 5), (2, 0.1, 1)]
)
def test_validation_fraction_counts_songs_and_is_rounded_up(songs, validation, count):
    tiles = many_songs(songs, 5)
    assert len(held_out(tiles, validation=validation)) == count


# ------------------------------------------------------------------ reproducibility


def test_the_same_seed_gives_the_same_table():
    pd.testing.assert_frame_equal(table(many_songs(), seed=7), table(many_songs(), seed=7))


def test_different_seeds_give_different_tables():
    one, other = (table(many_songs(), seed=seed, splice=0.5) for seed in (7, 8))
    for name in ("splice", "blackout"):
        assert kind(one, name)["tile"].tolist() != kind(other, name)["tile"].tolist()
    starts = [kind(t, "blackout")["blackout_start"].tolist() for t in (one, other)]
    assert starts[0] != starts[1]


def test_different_seeds_hold_out_different_songs():
    assert len({frozenset(held_out(many_songs(), seed=seed)) for seed in range(5)}) > 1


def test_given_validation_songs_are_held_out():
    given = ["song 03", "song 17", "not in the store"]
    assert held_out(many_songs(), validation_songs=given) == {"song 03", "song 17"}


def test_given_validation_songs_without_vocals_are_ignored():
    tiles = pd.concat([many_songs(), store(silent=[SILENT] * 5)], ignore_index=True)
    assert len(held_out(tiles, validation_songs=["silent"])) == 2


def test_using_all_songs_for_validation_is_an_error(rejects):
    with rejects("all are validation songs"):
        table(store(a=[LOUD], b=[LOUD]), validation_songs=["a", "b"])


def test_global_random_state_is_unchanged():
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    table(many_songs())
    assert np.random.random() == expected


# ------------------------------------------------------------------ too few songs


@pytest.mark.parametrize(
    "tiles", [{"a": [LOUD] * 9}, {"a": [LOUD], "b": [SILENT] * 9}, {"a": [SILENT]}, {}]
)
def test_fewer_than_two_songs_with_vocals_are_an_error(rejects, tiles):
    with rejects("at least two", "augment.min_vocal_l1"):
        table(store(**tiles))


def test_validation_fraction_that_leaves_no_training_songs_is_an_error(rejects):
    with rejects("augment.validation = 0.6"):
        table(many_songs(2, 5), validation=0.6)
