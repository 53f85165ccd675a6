"""A page with two songs of one second, and a browser."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.report.browser import Browser
from vocalseg.excerpts import cut_excerpt
from vocalseg.report import listening
from vocalseg.report.excerpts import Excerpt, excerpt, with_accompaniment

RATE = 44_100
NAMES = ("Björk & <Sígur> – \"Jóga\", 'Größe' 🎤 100%", "Plain song")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def tone(hz: float, seconds: float = 1.0, rate: int = RATE, channels: int = 2) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, np.newaxis], channels, axis=1).astype(np.float32)


def make_excerpt(name: str, *stems: np.ndarray, seconds: float) -> Excerpt:
    """An excerpt of the given mixture, vocals and estimate."""
    start, cuts = cut_excerpt(*stems, RATE, seconds)
    return excerpt(name, start, with_accompaniment(cuts), RATE)


def scores(gain: float, museval: float | None = None) -> listening.Scores:
    """Scores of a song whose estimate is better than the mixture by ``gain`` dB."""

    def of(value):
        return {
            "museval": dict.fromkeys(("sdr", "sir", "sar", "isr"), museval or value),
            "global": dict.fromkeys(("sdr", "si_sdr"), value),
        }

    return {"mixture": of(-5.0), "vocalseg": of(gain - 5.0), "irm": of(9.0), "mix_phase": of(9.5)}


@pytest.fixture(scope="session")
def songs() -> list[listening.Song]:
    """Two songs, the first of which has the smaller gain."""
    made = []
    for number, name in enumerate(NAMES):
        vocals, drums = tone(440 * (number + 1)), tone(3000)
        part = make_excerpt(name, vocals + drums, vocals, vocals + drums / 4, seconds=0.8)
        made.append(listening.Song(part, scores(3.0 + 4 * number)))
    return made


@pytest.fixture(scope="session")
def page(songs) -> str:
    return listening.page(songs, scores(5.0), {"Network": "U-Net & <more>"})


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Tests are skipped without Chromium, which CI requires (scripts/install_chromium.sh)."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium is installed")
    with Browser(Path(program), tmp_path_factory.mktemp("browser")) as browser:
        yield browser
