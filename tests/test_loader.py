"""The arrays given to the network match the table of examples."""

import numpy as np
import pandas as pd
import pytest

from vocalseg import scaling
from vocalseg.loader import TileStore, batches

BINS, FRAMES, TILES = 4, 6, 5


def row(kind, tile, blackout_start=-1):
    return {"kind": kind, "tile": tile, "blackout_start": blackout_start, "part": "train"}


def make_store(rng, axis="frequency", scaler="minmax"):
    mixture = rng.gamma(1.0, 5.0, (TILES, BINS, FRAMES)).astype(np.float32)
    vocals = (mixture * rng.uniform(0, 1, mixture.shape)).astype(np.float32)
    return TileStore(mixture, vocals, *scaling.statistics(mixture, axis, scaler))


def scaled(store, tiles, which):
    """The scaled tile, computed value by value from the definition."""
    x = np.empty((BINS, FRAMES), np.float32)
    for b in range(BINS):
        for t in range(FRAMES):
            at = (b, 0) if store.offset.shape[2] == 1 else (0, t)
            x[b, t] = (tiles[which, b, t] - store.offset[which][at]) / store.scale[which][at]
    return x


def both(store):
    return store.mixture, store.vocals


@pytest.fixture(params=[("frequency", "minmax"), ("time", "robust"), ("time", "max")])
def store(rng, request):
    return make_store(rng, *request.param)


def test_original_is_its_tile_scaled_by_statistics_of_the_mixture(store):
    made = store.examples(pd.DataFrame([row("original", 3)]))
    for example, tiles in zip(made, both(store), strict=True):
        assert example.shape == (1, BINS, FRAMES, 1)
        assert example.dtype == np.float32
        np.testing.assert_allclose(example[0, ..., 0], scaled(store, tiles, 3), rtol=1e-6)


def test_splice_joins_the_last_half_of_a_tile_and_the_first_half_of_the_next(store):
    made = store.examples(pd.DataFrame([row("splice", 1)]))
    for example, tiles in zip(made, both(store), strict=True):
        # Each half is scaled by its own tile's statistics: frames 3-5 of tile 1, 0-2 of tile 2.
        first, second = scaled(store, tiles, 1), scaled(store, tiles, 2)
        expected = np.hstack([first[:, 3:], second[:, :3]])
        np.testing.assert_allclose(example[0, ..., 0], expected, rtol=1e-6)


@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_blackout_is_zero_for_half_a_tile_in_the_scaled_domain(store, start):
    made = store.examples(pd.DataFrame([row("blackout", 2, start)]))
    for example, tiles in zip(made, both(store), strict=True):
        expected = scaled(store, tiles, 2)
        expected[:, start : start + 3] = 0
        np.testing.assert_allclose(example[0, ..., 0], expected, rtol=1e-6)
        assert (example[0, :, start : start + 3] == 0).all()
        assert (example[0, :, :start] != 0).any() or start == 0


def test_examples_of_all_kinds_are_in_the_order_of_the_table(store):
    rows = [
        row("blackout", 4, 1),
        row("splice", 0),
        row("original", 0),
        row("splice", 3),
        row("original", 4),
        row("blackout", 0, 2),
    ]
    together = store.examples(pd.DataFrame(rows))
    for i, single in enumerate(rows):
        alone = store.examples(pd.DataFrame([single]))
        for combined, one in zip(together, alone, strict=True):
            np.testing.assert_array_equal(combined[i], one[0])


def test_making_examples_does_not_modify_the_store(store):
    before = [array.copy() for array in (store.mixture, store.vocals, store.offset, store.scale)]
    store.examples(pd.DataFrame([row("blackout", 2, 0), row("splice", 2), row("original", 2)]))
    after = (store.mixture, store.vocals, store.offset, store.scale)
    assert all(np.array_equal(b, a) for b, a in zip(before, after, strict=True))


def test_memory_mapped_tiles_give_the_same_examples(rng, tmp_path):
    store = make_store(rng)
    arrays = {name: getattr(store, name) for name in ("mixture", "vocals", "offset", "scale")}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = TileStore(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in arrays))
    rows = pd.DataFrame([row("splice", 1), row("blackout", 0, 1), row("original", 4)])
    for one, other in zip(store.examples(rows), mapped.examples(rows), strict=True):
        np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------ other interpretations


def test_splice_takes_its_second_half_from_the_tile_named_in_the_table(store):
    rows = pd.DataFrame([row("splice", 1), row("original", 0), row("splice", 2)])
    rows["next"] = [4, -1, 3]
    made = store.examples(rows)
    for example, tiles in zip(made, both(store), strict=True):
        for i, first, second in ((0, 1, 4), (2, 2, 3)):
            halves = scaled(store, tiles, first)[:, 3:], scaled(store, tiles, second)[:, :3]
            np.testing.assert_allclose(example[i, ..., 0], np.hstack(halves), rtol=1e-6)


@pytest.mark.parametrize("axis", ["frequency", "time"])
@pytest.mark.parametrize("scaler", ["minmax", "robust", "max"])
def test_magnitudes_can_be_augmented_before_scaling(rng, axis, scaler):
    stored = make_store(rng, axis, scaler)
    store = TileStore(*both(stored), stored.offset, stored.scale, rescale=(axis, scaler))
    rows = [row("original", 3), row("splice", 1), row("blackout", 2, 1)]
    made = store.examples(pd.DataFrame(rows))
    augmented = []
    for tiles in both(store):
        dark = tiles[2].copy()
        dark[:, 1:4] = 0
        augmented.append(np.stack([tiles[3], np.hstack([tiles[1][:, 3:], tiles[2][:, :3]]), dark]))
    statistics = scaling.statistics(augmented[0], axis, scaler)
    for example, expected in zip(made, augmented, strict=True):
        assert example.dtype == np.float32
        expected = scaling.apply(expected, *statistics)
        np.testing.assert_allclose(example[..., 0], expected, rtol=1e-6)


def test_originals_do_not_depend_on_the_order_of_scaling(store):
    after = TileStore(*both(store), store.offset, store.scale, rescale=("frequency", "minmax"))
    before = TileStore(*both(store), *scaling.statistics(store.mixture, "frequency", "minmax"))
    rows = pd.DataFrame([row("original", i) for i in range(TILES)])
    for one, other in zip(before.examples(rows), after.examples(rows), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


# ------------------------------------------------------------------ batches


def numbered(count=23):
    return pd.DataFrame({"tile": range(count)})


@pytest.mark.parametrize("seed", [None, (42, 0), (42, 1)])
@pytest.mark.parametrize("size", [1, 4, 23, 100])
def test_batches_contain_every_row_once(seed, size):
    cut = batches(numbered(), size, seed)
    assert [len(b) for b in cut[:-1]] == [size] * (len(cut) - 1)
    assert 1 <= len(cut[-1]) <= size
    assert sorted(pd.concat(cut)["tile"]) == list(range(23))


def test_batches_without_a_seed_keep_the_order_of_the_table():
    assert pd.concat(batches(numbered(), 4))["tile"].tolist() == list(range(23))


def test_order_of_batches_depends_on_seed_and_epoch_only():
    def order(seed, epoch):
        return pd.concat(batches(numbered(), 4, (seed, epoch)))["tile"].tolist()

    first = order(42, 3)
    np.random.seed(1)
    assert order(42, 3) == first
    assert len({tuple(order(s, e)) for s in (42, 43) for e in range(4)}) == 8
