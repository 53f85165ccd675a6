"""The stage `report`, except for what tests/pipeline covers."""

import json
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from stages import eval as eval_stage
from stages import report as stage
from tests.report.conftest import NAMES, RATE, make_excerpt, tone
from vocalseg.report.excerpts import STEMS
from vocalseg.unet import build_unet


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make_part(name: str):
    return make_excerpt(name, tone(200, 0.2), tone(400, 0.2), tone(300, 0.2), seconds=1)


def test_excerpt_is_read_as_written_by_eval():
    stems = {"mixture": 5 * tone(200), "vocals": tone(400), "estimate": tone(300)}
    peak = eval_stage.write(NAMES[0], stems, RATE)
    read = stage.read(NAMES[0], 1.5, peak)
    assert (read.song, read.start, read.seconds) == (NAMES[0], 1.5, 1)
    expected = stage.excerpt(NAMES[0], 1.5, stage.with_accompaniment(stems), RATE)
    for stem in STEMS:
        # Pictures have a range of 70 dB, and 16 bits one of 96 dB.
        np.testing.assert_allclose(read.levels[stem], expected.levels[stem], atol=1)


def test_audio_can_be_written_beside_the_page():
    sound = make_part(NAMES[0])
    link = stage.write_sounds(sound)
    assert link.isascii() and not set('"<> #?') & set(link)
    text = Path("reports", unquote(link)).read_text(encoding="utf-8")
    song, sounds = json.loads(f"[{text[len('registerSounds(') : -len(');_')]}]")
    assert song == NAMES[0]
    assert {stem: b64decode(sounds[stem]) for stem in STEMS} == sound.sounds


def test_picture_shows_the_real_song_or_else_the_first_by_name(monkeypatch):
    monkeypatch.setattr(stage.spectrograms, "figure", lambda levels, title, *_: title)
    assert stage.picture([make_part("B"), make_part("A")]) == "A"
    assert stage.picture([make_part("A"), make_part(stage.PICTURED)]) == stage.PICTURED


def test_parameters_are_counted_from_the_weights_file():
    network = build_unet(16, 16, 2, 2)
    network.save_weights("unet.weights.h5")
    assert stage.parameters(Path("unet.weights.h5")) == network.count_params()
