"""Spectrograms of streams: position of a tone, common scale, blocks of any length."""

import numpy as np
import pytest

from tests.report.conftest import tone
from vocalseg.report import spectrograms, streamed

RATE = 44_100


def spectrum(waveform: np.ndarray, block: int) -> streamed.StreamedSpectrogram:
    made = streamed.StreamedSpectrogram(RATE)
    for start in range(0, len(waveform), block):
        made.add(waveform[start : start + block])
    return made


@pytest.mark.parametrize("block", [7, 1000, RATE])
def test_result_does_not_depend_on_the_length_of_blocks(block, rng):
    noise = rng.standard_normal((RATE // 10, 2)).astype(np.float32)
    whole = streamed.levels([spectrum(noise, len(noise))], 0.1)
    np.testing.assert_allclose(streamed.levels([spectrum(noise, block)], 0.1), whole, atol=1e-3)


def test_tone_is_drawn_at_its_frequency_and_time_on_a_common_scale():
    loud = np.concatenate((np.zeros((RATE, 2), np.float32), tone(1000)))  # starts at 1 s
    levels = streamed.levels([spectrum(loud, RATE), spectrum(loud / 10, RATE)], 4.0)
    assert levels.max() == 0
    columns = levels.shape[2]
    row = int(spectrograms.height(1000, 8000) * spectrograms.ROWS)
    audible = slice(round(0.3 * columns), round(0.45 * columns))
    assert (levels[0, :, audible].argmax(axis=0) == row).all()
    np.testing.assert_allclose(levels[0, row, audible] - levels[1, row, audible], 20, atol=0.1)
    assert (levels[..., : round(0.2 * columns)] == -spectrograms.RANGE).all()
    assert (levels[..., round(0.55 * columns) :] == -spectrograms.RANGE).all()


@pytest.mark.parametrize("samples", [0, 1, 100, 30 * RATE])
def test_any_number_of_samples_gives_a_picture(samples):
    levels = streamed.levels([spectrum(np.zeros((samples, 1), np.float32), RATE)], samples / RATE)
    assert 1 <= levels.shape[2] <= streamed.COLUMNS
    assert np.isfinite(levels).all()
