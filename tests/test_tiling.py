"""Tiles of a stream: their positions, and the crossfade of their estimates."""

import numpy as np
import pytest

from vocalseg.tiling import crossfade

SIZE, BATCH = 16, 3


def tiled(song, shared, cut=7):
    """Result with an estimator that returns its input, and the tiles that it was given."""
    seen = []

    def estimate(tiles):
        seen.extend(tiles.copy())
        return tiles

    pieces = [song[:, i : i + cut] for i in range(0, song.shape[1], cut)]
    out = list(crossfade(pieces, estimate, SIZE, shared, BATCH))
    return np.concatenate([e for e, _ in out], axis=1), np.stack(seen)


def numbered(frames):
    """A song whose frames contain their index."""
    return np.arange(frames, dtype=np.float32)[np.newaxis] + np.zeros((2, 1), np.float32)


@pytest.mark.parametrize("shared", [0, 4, 8])
@pytest.mark.parametrize("frames", [1, 5, 15, 16, 17, 36, 47, 48, 49, 100, 131])
def test_identity_estimate_restores_all_frames(frames, shared):
    song = numbered(frames)
    back, _ = tiled(song, shared)
    np.testing.assert_allclose(back, song, atol=1e-4)


@pytest.mark.parametrize("shared", [0, 4, 8])
@pytest.mark.parametrize("frames", [16, 17, 36, 40, 47, 48, 49, 100, 131])
def test_all_tiles_are_complete_parts_of_the_song(frames, shared):
    """The first tile starts with the song, the last one ends with it, and none is padded."""
    song = numbered(frames)
    _, tiles = tiled(song, shared)
    starts = tiles[:, 0, 0].astype(int)
    for start, tile in zip(starts, tiles, strict=True):
        np.testing.assert_array_equal(tile, song[:, start : start + SIZE])
    stride = SIZE - shared
    assert starts.tolist() == [*range(0, frames - SIZE, stride), frames - SIZE]


def test_song_shorter_than_a_tile_is_padded_by_reflection():
    _, tiles = tiled(numbered(10), 4)
    np.testing.assert_array_equal(tiles[0, 0], [*range(10), *range(9, 3, -1)])


def test_adjacent_tiles_are_crossfaded():
    """Each tile's estimate is its number: constant outside the overlaps, linear within them."""
    numbers = iter(range(100))

    def estimate(tiles):
        return np.stack([np.full_like(tile, next(numbers)) for tile in tiles])

    song = numbered(16 + 12 + 12)
    ((estimates, _),) = crossfade([song], estimate, SIZE, 4, BATCH)
    line = np.array([0.125, 0.375, 0.625, 0.875])
    expected = [*[0] * 12, *line, *[1] * 8, *(1 + line), *[2] * 12]
    np.testing.assert_allclose(estimates[0], expected, atol=1e-6)
