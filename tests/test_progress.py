"""Separation with progress reports: contents of the reports, and songs that are refused."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.test_cli import model, song  # noqa: F401 (a fixture)
from vocalseg import BadInput, Separator
from vocalseg.progress import REPORTS, STEMS, separate


@pytest.fixture
def separator(model: Path) -> Separator:  # noqa: F811
    return Separator.load(model)


def test_reports_are_in_order_and_the_last_one_names_complete_files(separator, tmp_path):
    path = song(tmp_path / "a.flac", seconds=20.0)
    *reports, last = separate(separator, path, tmp_path, minutes=1)
    assert 2 <= len(reports) <= REPORTS
    done = [report.done for report in reports]
    assert done == sorted(set(done)) and all(report.files == {} for report in reports)
    assert (last.done, last.total) == (20, 20)
    mixture, vocals, accompaniment = (sf.read(last.files[stem])[0] for stem in STEMS)
    np.testing.assert_allclose(mixture, sf.read(path)[0], atol=1e-6)
    np.testing.assert_allclose(vocals + accompaniment, mixture, atol=1e-6)


def test_spectrogram_is_dark_where_separation_is_pending(separator, tmp_path):
    path = song(tmp_path / "a.flac", seconds=20.0)
    first = next(separate(separator, path, tmp_path, minutes=1))
    columns = first.levels["mixture"].shape[1]
    until = round(columns * first.done / first.total)
    assert first.levels["mixture"][:, until + 1 :].max() < first.levels["mixture"].max() - 60
    assert first.axis == 20


def test_too_long_song_is_refused_before_separation(separator, tmp_path, rejects):
    path = song(tmp_path / "a.flac", seconds=2.0)
    with rejects("a.flac: longer than 0.02 minutes"):
        next(separate(separator, path, tmp_path / "out", minutes=0.02))
    assert not (tmp_path / "out").exists()


def test_song_of_unknown_length_is_refused_when_it_exceeds_the_limit(separator, tmp_path, rejects):
    path = song(tmp_path / "a.flac", seconds=20.0)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # number of samples in STREAMINFO, 36 bits; 0 means unknown
    content[22:26] = bytes(4)
    path.write_bytes(content)
    reports = list(separate(separator, path, tmp_path / "whole", minutes=1))
    assert np.isnan(reports[0].total) and reports[-1].done == 20
    with rejects("a.flac: longer than 0.1 minutes"):
        list(separate(separator, path, tmp_path / "out", minutes=0.1))
    assert not (tmp_path / "out").exists()  # partial stems are removed


def test_errors_name_the_file_without_its_folder(separator, tmp_path):
    path = tmp_path / "a.mp3"
    path.write_text("no audio")
    with pytest.raises(BadInput, match=r"^a\.mp3: not audio"):
        next(separate(separator, path, tmp_path / "out", minutes=1))
