"""Excerpts: the loudest part of a song."""

import numpy as np
import pytest

from tests.report.conftest import RATE, tone
from vocalseg.excerpts import cut_excerpt, loudest


def test_loudest_part_is_found(rng):
    waveform = 0.1 * rng.standard_normal((1000, 2)).astype(np.float32)
    waveform[700:800] *= 5
    assert loudest(waveform, 100) == slice(700, 800)


@pytest.mark.parametrize("length", [1, 10, 50, 51, 1000])
def test_loudest_part_has_maximum_energy(rng, length):
    waveform = rng.standard_normal((50, 1)).astype(np.float32)
    part = loudest(waveform, length)
    size = min(length, 50)
    energies = [np.sum(waveform[i : i + size] ** 2) for i in range(50 - size + 1)]
    assert part == slice(np.argmax(energies), np.argmax(energies) + size)


def test_excerpt_is_chosen_by_the_vocals_or_by_the_mixture_without_vocals():
    mixture, vocals = tone(100, 3.0), np.zeros_like(tone(100, 3.0))
    mixture[44_100:88_200] *= 2
    assert cut_excerpt(mixture, vocals, vocals, RATE, 1)[0] == pytest.approx(1, abs=0.01)
    vocals[88_200:] = tone(440)
    start, stems = cut_excerpt(mixture, vocals, vocals, RATE, 1)
    assert start == pytest.approx(2, abs=0.01)
    assert len(stems["vocals"]) == RATE


def test_excerpt_of_a_short_song_is_the_whole_song():
    whole = {"mixture": tone(100, 0.2), "vocals": tone(200, 0.2), "estimate": tone(300, 0.2)}
    start, stems = cut_excerpt(*whole.values(), RATE, 5)
    assert start == 0
    for stem, waveform in whole.items():
        np.testing.assert_array_equal(stems[stem], waveform)
