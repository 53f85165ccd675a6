"""Tiles of a stream: each sees as much of the song as it can, and they fade into one song again."""

import numpy as np
import pytest

from vocalseg.tiling import crossfade

SIZE, BATCH = 16, 3


def tiled(song, shared, cut=7):
    """What comes out if tiles are given back as they are, and the tiles."""
    seen = []

    def estimate(tiles):
        seen.extend(tiles.copy())
        return tiles

    pieces = [song[:, i : i + cut] for i in range(0, song.shape[1], cut)]
    out = list(crossfade(pieces, estimate, SIZE, shared, BATCH))
    return np.concatenate([e for e, _ in out], axis=1), np.stack(seen)


def numbered(frames):
    """A song whose frames say where they stand."""
    return np.arange(frames, dtype=np.float32)[np.newaxis] + np.zeros((2, 1), np.float32)


@pytest.mark.parametrize("shared", [0, 4, 8])
@pytest.mark.parametrize("frames", [1, 5, 15, 16, 17, 36, 47, 48, 49, 100, 131])
def test_frames_come_back_each_in_its_place(frames, shared):
    song = numbered(frames)
    back, _ = tiled(song, shared)
    np.testing.assert_allclose(back, song, atol=1e-4)


@pytest.mark.parametrize("shared", [0, 4, 8])
@pytest.mark.parametrize("frames", [17, 36, 47, 48, 49, 100, 131])
def test_the_first_and_the_last_tile_are_as_full_as_the_others(frames, shared):
    """All but the frames that fade into the mirror image are the song's."""
    song = numbered(frames)
    _, tiles = tiled(song, shared)
    mirrored = song[:, ::-1]
    first = np.concatenate((mirrored[:, frames - shared :], song[:, : SIZE - shared]), axis=1)
    last = np.concatenate((song[:, frames - SIZE + shared :], mirrored[:, :shared]), axis=1)
    np.testing.assert_array_equal(tiles[0], first)
    np.testing.assert_array_equal(tiles[-1], last)


def test_a_song_shorter_than_a_tile_is_mirrored_until_the_tile_is_full():
    _, tiles = tiled(numbered(10), 4)
    inside = [3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 8]
    np.testing.assert_array_equal(tiles[0, 0], inside)
