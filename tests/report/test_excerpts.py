"""Audio of excerpts: correct samples and deterministic bytes."""

import io

import numpy as np
import pytest
import soundfile as sf

from tests.report.conftest import make_excerpt, tone
from vocalseg.report import excerpts
from vocalseg.report.excerpts import opus


def decoded(sound: bytes) -> tuple[np.ndarray, int]:
    return sf.read(io.BytesIO(sound), always_2d=True)


@pytest.mark.parametrize(
    ("rate", "channels"), [(44_100, 2), (44_100, 1), (48_000, 2), (8000, 1), (96_000, 2)]
)
def test_decoded_audio_equals_the_samples(rate, channels):
    waveform = tone(440, 2.0, rate, channels)
    sound, coded_rate = decoded(opus(waveform, rate))
    assert sound.shape[1] == channels
    assert len(sound) / coded_rate == pytest.approx(2.0, abs=0.01)
    times = np.arange(len(sound)) / coded_rate
    expected = 0.3 * np.sin(2 * np.pi * 440 * times)
    assert np.corrcoef(sound[:, 0], expected)[0, 1] > 0.99


def test_each_stem_has_its_own_audio():
    vocals, drums = tone(440), tone(1500)
    part = make_excerpt("s", vocals + drums, vocals, vocals, seconds=1)
    peaks = {}
    for stem, sound in part.sounds.items():
        waveform, rate = decoded(sound)
        spectrum = np.abs(np.fft.rfft(waveform[:, 0]))
        peaks[stem] = np.argmax(spectrum) * rate / len(waveform)
    assert set(part.sounds) == set(excerpts.STEMS)
    assert peaks["vocals"] == pytest.approx(440, abs=3)
    assert peaks["estimate"] == pytest.approx(440, abs=3)
    assert peaks["accompaniment"] == pytest.approx(1500, abs=3)


def test_the_same_samples_give_the_same_bytes(rng):
    waveform = 0.1 * rng.standard_normal((44_100, 2)).astype(np.float32)
    assert opus(waveform, 44_100) == opus(waveform, 44_100)


def test_five_seconds_are_smaller_than_30_kilobytes(rng):
    waveform = 0.1 * rng.standard_normal((5 * 44_100, 2)).astype(np.float32)
    assert len(opus(waveform, 44_100)) < 30_000


def test_missing_ffmpeg_is_an_error_of_one_line(monkeypatch, rejects):
    monkeypatch.setenv("PATH", "/nowhere")
    with rejects("ffmpeg: not installed", "apt install ffmpeg"):
        opus(tone(440, 0.1), 44_100)


def test_ffmpeg_without_opus_is_an_error_of_one_line(monkeypatch, rejects, tmp_path):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho \"Unknown encoder 'libopus'\" >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with rejects("ffmpeg: cannot encode Opus", "Unknown encoder 'libopus'"):
        opus(tone(440, 0.1), 44_100)
