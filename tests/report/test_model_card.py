"""The model card: facts, scores between floor and ceilings, limits, licenses."""

import math

import pytest

from tests.report.conftest import scores
from vocalseg.model_file import Settings
from vocalseg.report import model_card
from vocalseg.songs.catalog import Song

SETTINGS = Settings(11_025, 1024, 256, 128, "frequency", "minmax", 8, 4)
FACTS = model_card.facts(SETTINGS, 487_000, 0.5, True)


def song(source: str, split: str = "train", remark: str = "") -> Song:
    return Song("A song", split, 90.0, 44_100, 2, "", source, remark=remark)


def test_facts_describe_the_network_and_its_application():
    text = " ".join(FACTS.values())
    for fact in ("4 levels", "8 filters", "487,000", "11,025 Hz", "minmax", "frequency", "5.5 kHz"):
        assert fact in text
    other = Settings(**{**vars(SETTINGS), "name": "strided", "output": "mask", "targets": "both"})
    text = model_card.facts(other, 1, 0.5, True)["Network"]
    assert "strided" in text and "masks of vocals and accompaniment" in text
    assert "silence" in model_card.facts(SETTINGS, 1, 0.5, False)["Application"]
    text = model_card.facts(SETTINGS, 1, 0.5, True, wiener=2)["Output"]
    assert "Wiener filter with 2 iterations" in text and "Wiener" not in FACTS["Output"]


@pytest.mark.parametrize(
    ("source", "remark", "origin"),
    [
        ("train/A song", "", "synthetic songs"),
        ("$VOCALSEG_SONGS/musdb18/train/A song", "", "MUSDB18"),
        ("/data/musdb18/train/A song", "bleed in the vocals", "MUSDB18"),
        ("/home/somebody/my songs/train/A song", "", "a folder of songs"),
    ],
)
def test_card_names_the_training_data_without_paths(source, remark, origin):
    songs = [song(source, remark=remark), song("test/A song", "test")]
    card = model_card.card(FACTS, scores(7.0), songs)
    assert f"- Trained on: {origin}" in card
    assert "1 songs, 1.5 minutes" in card
    assert "/home" not in card and "/data" not in card
    assert ("Synthetic music" in card) == (origin == "synthetic songs")
    assert ("must not be published" in card) == (origin == "MUSDB18")


def test_scores_are_listed_between_floor_and_ceilings():
    card = model_card.card(FACTS, scores(7.0, museval=math.nan), [song("train/A song")])
    rows = [line.split(" | ") for line in card.splitlines() if line.startswith("| ")]
    assert [row[0].strip("|* ").split()[0] for row in rows] == [
        "dB", "mixture", "this", "ideal", "true"
    ]  # fmt: skip
    assert rows[2][1:] == ["–"] * 4 + ["2.0", "2.0 |"]
