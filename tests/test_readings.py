"""Examples as in the paper's text and in its published code, from an index of MUSDB18's size."""

import hashlib
import itertools
import math

import numpy as np
import pandas as pd
import pytest

from vocalseg.examples import make_table

LOUD, SILENT = 1000.0, 1.0

#: The text: 40 % originals, 40 % splices, 20 % blackouts; Algorithm 1 runs over all tiles.
TEXT = {"originals": 3657, "splice": 1.0, "blackout": 0.5, "across_songs": True}
#: The published code: half of the splices and a quarter of the blackouts, the first of each.
CODE = {
    "originals": 5224, "splice": 0.5, "blackout": 0.25, "across_songs": True, "choose": "first",
    "split": "example",
}  # fmt: skip


def index(songs, tiles, quiet=0.0, seed=0):
    """Index of a tile store: ``tiles`` tiles of each song, some of them without vocals."""
    rng = np.random.default_rng(seed)
    count = songs * tiles
    return pd.DataFrame(
        {
            "track": np.repeat([f"song {i:03}" for i in range(songs)], tiles),
            "first_frame": np.tile(np.arange(tiles) * 128, songs),
            "vocal_l1": np.where(rng.random(count) < quiet, SILENT, LOUD),
        }
    )


@pytest.fixture(scope="module")
def musdb18():
    """100 training songs of four minutes, a quarter of whose tiles have no vocals."""
    return index(100, 80, quiet=0.25)


def table(tiles, **changes):
    settings = {
        "splice": 1.0, "blackout": 0.5, "min_vocal_l1": 100, "validation": 0.1,
        "tile_frames": 128, "seed": 42,
    }  # fmt: skip
    return make_table(tiles, **settings | changes)


def counts(examples):
    number = examples["kind"].value_counts()
    return tuple(int(number.get(kind, 0)) for kind in ("original", "splice", "blackout"))


def tracks(tiles, rows):
    return tiles["track"].to_numpy()[rows]


# ------------------------------------------------------------------ 9,141 examples


def test_the_text_has_9141_examples(musdb18):
    examples = table(musdb18, **TEXT)
    assert counts(examples) == (3657, 3656, 1828)
    assert len(examples) == 9141
    share = examples["kind"].value_counts(normalize=True)
    assert share.round(3).to_dict() == {"original": 0.4, "splice": 0.4, "blackout": 0.2}


def test_the_published_code_has_9141_examples(musdb18):
    examples = table(musdb18, **CODE)
    assert counts(examples) == (5224, 2611, 1306)
    assert len(examples) == 9141


@pytest.mark.parametrize("usable", [7, 8, 9, 10, 11, 3657, 5224])
def test_published_code_takes_the_first_half_of_splices_and_quarter_of_blackouts(usable):
    """The expected lists are cut with ``//``, for every remainder of the division."""
    tiles = index(2, usable)
    kept = list(range(usable))
    pairs = list(itertools.pairwise(kept))
    examples = table(tiles, **CODE | {"originals": usable})
    splices = examples[examples["kind"] == "splice"]
    blackouts = examples[examples["kind"] == "blackout"]
    half = pairs[: len(pairs) // 2]
    assert list(zip(splices["tile"], splices["next"], strict=True)) == half
    assert blackouts["tile"].tolist() == kept[: usable // 4]
    assert blackouts["blackout_start"].between(0, 63).all()


def test_published_code_validates_on_a_tenth_of_the_examples_rounded_down(musdb18):
    examples = table(musdb18, **CODE)
    held_out = examples[examples["part"] == "validation"]
    assert len(held_out) == 914
    assert len(set(tracks(musdb18, held_out["tile"]))) > 50  # from most songs
    trained = examples[examples["part"] == "train"]
    assert set(held_out["tile"]) & set(trained["tile"])  # some tiles are in both parts


# ------------------------------------------------------------------ number of originals


@pytest.mark.parametrize("choose", ["random", "first"])
def test_number_of_originals_is_as_requested(musdb18, choose):
    assert counts(table(musdb18, originals=1000, choose=choose))[0] == 1000


def test_limited_originals_are_complete_songs_except_the_last(musdb18):
    originals = table(musdb18, originals=1000, blackout=0)
    chosen = pd.Series(tracks(musdb18, originals["tile"][originals["kind"] == "original"]))
    usable = musdb18["track"][musdb18["vocal_l1"] >= 100].value_counts()
    taken = chosen.value_counts()
    assert (taken != usable[taken.index]).sum() <= 1
    assert chosen.is_monotonic_increasing  # in the order of the store


def test_different_seeds_take_different_songs(musdb18):
    def songs(seed):
        return frozenset(tracks(musdb18, table(musdb18, originals=500, seed=seed)["tile"]))

    assert len({songs(seed) for seed in range(3)}) == 3


def test_more_originals_than_usable_tiles_is_an_error(rejects):
    with rejects("augment.originals = 101", "only 100 tiles", "augment.min_vocal_l1"):
        table(index(5, 20), originals=101)


# ------------------------------------------------------------------ exact proportions


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("choose", ["random", "first"])
@pytest.mark.parametrize(
    ("splice", "blackout"), [(1.0, 0.5), (0.5, 0.25), (0.3, 0.7), (0, 1), (1, 0), (0.29, 0.0)]
)
def test_exact_proportions_are_exact(musdb18, splice, blackout, choose, across):
    examples = table(
        musdb18, splice=splice, blackout=blackout, exact=True, choose=choose, across_songs=across
    )
    originals, splices, blackouts = counts(examples)
    assert splices * 100 == originals * round(100 * splice)
    assert blackouts * 100 == originals * round(100 * blackout)
    for _, rows in examples.groupby("kind"):
        assert rows["tile"].is_unique


def test_exact_proportions_drop_as_few_originals_as_possible():
    # 5 songs of 20 tiles have 95 pairs, so 94 is the largest number of originals with as many
    # splices and half as many blackouts.
    assert counts(table(index(5, 20), exact=True)) == (94, 94, 47)


def test_impossible_exact_proportions_are_an_error(rejects):
    with rejects("augment.exact", "100 tiles", "simpler fractions"):
        table(index(5, 20), splice=0.333, exact=True)


# ------------------------------------------------------------------ splices across songs


def test_splices_across_songs_join_every_usable_tile_with_the_next_usable_one():
    tiles = index(3, 4)
    tiles.loc[[1, 4, 11], "vocal_l1"] = SILENT
    examples = table(tiles, across_songs=True)
    splices = examples[examples["kind"] == "splice"]
    joined = list(zip(splices["tile"], splices["next"], strict=True))
    assert joined == list(itertools.pairwise([0, 2, 3, 5, 6, 7, 8, 9, 10]))
    assert (examples["next"][examples["kind"] != "splice"] == -1).all()


@pytest.mark.parametrize("split", ["auto", "song", "official"])
def test_split_by_song_excludes_held_out_songs_from_training(musdb18, split):
    examples = table(
        musdb18, across_songs=True, split=split, validation_songs=["song 007", "song 050"]
    )
    train = examples[examples["part"] == "train"]
    used = np.concatenate((train["tile"], train["next"][train["next"] >= 0]))
    trained_songs = set(tracks(musdb18, used))
    held_out = set(musdb18["track"]) - trained_songs
    assert len(held_out) == (10 if split == "song" else 2)
    assert split == "song" or held_out == {"song 007", "song 050"}


# ------------------------------------------------------------------ the split


def test_auto_split_uses_official_songs_and_song_split_the_fraction(musdb18):
    official = [f"song {i:03}" for i in range(14)]

    def held_out(split):
        examples = table(musdb18, split=split, validation_songs=official)
        return set(tracks(musdb18, examples["tile"][examples["part"] == "validation"]))

    assert held_out("official") == held_out("auto") == set(official)
    assert len(held_out("song")) == 10


def test_missing_official_songs_are_an_error(rejects):
    with rejects("augment.split = 'official'", "use song"):
        table(index(5, 20), split="official", validation_songs=["elsewhere"])


@pytest.mark.parametrize("validation", [0.1, 0.25, 0.29, 0.9])
def test_split_by_example_includes_all_kinds_and_depends_on_the_seed(validation):
    tiles = index(20, 20)
    one, same, other = (
        table(tiles, split="example", validation=validation, seed=s) for s in (1, 1, 2)
    )
    held_out = one["part"] == "validation"
    assert held_out.sum() == math.floor(round(validation * 100) * len(one) / 100)
    assert set(one["kind"][held_out]) == {"original", "splice", "blackout"}
    pd.testing.assert_frame_equal(one, same)
    assert (held_out != (other["part"] == "validation")).any()


def test_split_by_example_works_with_one_song():
    assert set(table(index(1, 20), split="example")["part"]) == {"train", "validation"}


def test_split_by_example_without_validation_examples_is_an_error(rejects):
    with rejects("augment.validation = 0.01", "49 examples"):
        table(index(1, 20), split="example", validation=0.01)
    with rejects("training songs with vocals: 0"):
        table(index(1, 20, quiet=1), split="example")


# ------------------------------------------------------------------ unchanged defaults


@pytest.mark.parametrize(
    ("songs", "digest"),
    [
        ([], "52c814f215f19804189faebe20dde2cddcd8220205b90f97b0c6c1b67252d0d7"),
        (
            ["song 03", "song 07"],
            "d877af281a018054dca09d40c5b4beec029e23717dc05467b39d8fb56b0f773f",
        ),
    ],
)
def test_default_table_is_byte_identical_to_that_of_earlier_versions(songs, digest):
    rng = np.random.default_rng(5)
    sizes = rng.integers(3, 40, 23)
    tiles = pd.DataFrame(
        {
            "track": np.repeat([f"song {i:02}" for i in range(23)], sizes),
            "first_frame": np.concatenate([np.arange(n) * 128 for n in sizes]),
            "vocal_l1": rng.gamma(1.5, 300, sizes.sum()).round(3),
        }
    )
    text = table(tiles, validation_songs=songs).to_csv(index=False)
    assert hashlib.sha256(text.encode()).hexdigest() == digest
