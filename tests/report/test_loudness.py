"""Loudness follows EBU R 128, and matched signals are equally loud."""

import re
import subprocess

import numpy as np
import pytest
import soundfile as sf

from tests.report.conftest import tone
from vocalseg.report.loudness import LARGEST_GAIN, TARGET, gains, loudness


def test_loudness_of_the_reference_tone_of_ebu_tech_3341():
    """A 1 kHz sine at -23 dBFS in both channels has a loudness of -23 LUFS."""
    wave = tone(1000, 5.0, 48_000) / 0.3 * 10 ** (-23 / 20)
    assert loudness(wave, 48_000) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1)])
def test_loudness_equals_that_of_ffmpeg(rng, tmp_path, rate, channels):
    """The noise has a silent and a quiet part, which the two gates exclude."""
    wave = 0.1 * rng.standard_normal((5 * rate, channels))
    wave[1:] += wave[:-1]  # attenuates frequencies near half the rate, where resamplers differ
    wave[:rate] = 0
    wave[rate : 2 * rate] *= 0.01
    sf.write(tmp_path / "noise.wav", wave, rate, subtype="FLOAT")
    meter = ["-i", tmp_path / "noise.wav", "-af", "ebur128", "-f", "null", "-"]
    printed = subprocess.run(["ffmpeg", "-nostats", *meter], capture_output=True, check=True).stderr
    expected = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", printed.decode())[-1])
    assert loudness(wave, rate) == pytest.approx(expected, abs=0.1)


def test_loudness_of_silence_and_of_sounds_shorter_than_a_block():
    assert loudness(np.zeros((48_000, 2)), 48_000) == -np.inf
    assert loudness(np.zeros((0, 2)), 48_000) == -np.inf
    short, long = (loudness(tone(1000, seconds, 48_000), 48_000) for seconds in (0.2, 2.0))
    assert short == pytest.approx(long, abs=0.2)


def test_matched_signals_are_equally_loud_and_do_not_clip():
    waves = [tone(1000), 0.1 * tone(300), np.zeros((44_100, 2), np.float32)]
    found = gains(waves, 44_100)
    matched = [wave * 10 ** (gain / 20) for wave, gain in zip(waves, found, strict=True)]
    for wave in matched[:2]:
        assert loudness(wave, 44_100) == pytest.approx(TARGET, abs=0.1)
    assert found[2] == 0.0


def test_click_lowers_the_loudness_of_all_signals():
    click = 0.01 * tone(1000)
    click[2000] = 0.9
    pair = [tone(1000), click]
    found = gains(pair, 44_100)
    assert max(np.abs(w * 10 ** (g / 20)).max() for w, g in zip(pair, found, strict=True)) <= 1.01
    loud = [loudness(w * 10 ** (g / 20), 44_100) for w, g in zip(pair, found, strict=True)]
    assert loud[0] == pytest.approx(loud[1], abs=0.1)
    assert loud[0] < TARGET - 3


def test_gain_of_nearly_silent_signals_is_limited():
    assert gains([tone(1000), 1e-2 * tone(1000)], 44_100)[1] == LARGEST_GAIN
