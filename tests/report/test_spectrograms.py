"""Pictures of spectrograms: correct frequencies and levels, deterministic bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.report.conftest import tone
from vocalseg.report import spectrograms
from vocalseg.report.spectrograms import COLUMNS, RANGE, ROWS, figure, height, levels, picture, top


@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
@pytest.mark.parametrize("hz", [300, 1000, 3000])
def test_tone_is_drawn_at_its_frequency(rate, hz):
    (drawn,) = levels(tone(hz, 2.0, rate)[np.newaxis], rate)
    expected = height(hz, top(rate)) * ROWS
    assert np.argmax(drawn.mean(axis=1)) == pytest.approx(expected, abs=2)
    assert drawn.shape == (ROWS, COLUMNS)


def test_all_spectrograms_have_the_same_scale():
    loud, quiet = levels(np.stack([tone(440), tone(440) / 10]), 44_100)
    assert loud.max() == pytest.approx(0, abs=0.01)
    assert quiet.max() == pytest.approx(-20, abs=0.01)
    assert min(loud.min(), quiet.min()) == -RANGE


def test_time_axis_runs_from_left_to_right():
    waveform = np.zeros((1, 44_100, 1), np.float32)
    waveform[0, 22_050:] = tone(440, 0.5, channels=1)
    (drawn,) = levels(waveform, 44_100)
    level = drawn.max(axis=0)
    assert level[: COLUMNS // 2 - 10].max() == -RANGE
    assert level[COLUMNS // 2 + 10 :].min() > -10


@pytest.mark.parametrize("samples", [1, 100, 44_100])
def test_silence_and_short_sounds_can_be_drawn(samples):
    drawn = levels(np.zeros((4, samples, 2), np.float32), 44_100)
    assert (drawn == -RANGE).all()
    assert Image.open(io.BytesIO(picture(drawn[0]))).size == drawn.shape[:0:-1]


def test_the_lowest_frequency_is_at_the_bottom():
    (drawn,) = levels(tone(200, 2.0)[np.newaxis], 44_100)
    pixels = np.asarray(Image.open(io.BytesIO(picture(drawn))).convert("L")).mean(axis=1)
    assert np.argmax(pixels) > 0.8 * ROWS


def test_the_same_levels_give_the_same_bytes(rng):
    drawn = levels(0.1 * rng.standard_normal((2, 44_100, 2)).astype(np.float32), 44_100)
    assert picture(drawn[0]) == picture(drawn[0])
    shown = {"mixture": drawn[0], "truth": drawn[1]}
    first = figure(shown, r"Größe $\bad$", 1.0, 8000)
    assert first == figure(shown, r"Größe $\bad$", 1.0, 8000)
    assert Image.open(io.BytesIO(first)).size == (1100, 360)


def test_frequency_axis_ends_at_the_nyquist_frequency_or_8_khz():
    assert top(44_100) == 8000
    assert top(8000) == 4000
    assert spectrograms.ticks(4000)[-1] == 4000
    assert height(0, 8000) == 0
    assert height(8000, 8000) == 1
