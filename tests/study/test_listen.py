"""The page that compares experiments: choice of songs, bit rate, and comparable excerpts."""

import os
import re
import subprocess

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from study import experiments, listen
from tests.report.conftest import RATE, tone
from vocalseg.report import comparison


def experiment(folder, name: str, peak: float = 1.0, **songs: np.ndarray) -> listen.Experiment:
    """Excerpts with the given mixtures, as written by `eval`."""
    files = {}
    for song, mixture in songs.items():
        stems = {"mixture": mixture, "vocals": mixture / 2, "estimate": mixture / 3}
        for stem, waveform in stems.items():
            path = folder / f"{name}-{song}-{stem}"
            sf.write(path, waveform / peak, RATE, format="FLAC", subtype="PCM_16")
            files[f"{song}/{stem}.flac"] = path
    index = pd.DataFrame({"start": 1.5, "peak": peak}, index=pd.Index(list(songs), name="song"))
    return listen.Experiment(name, files, index)


def test_songs_are_spread_from_best_to_worst():
    scores = pd.Series({"b": 3.0, "a": 5.0, "c": 1.0, "none": np.nan, "d": 0.0})
    assert listen.spread(scores, 3) == ["a", "c", "none"]
    assert listen.spread(scores, 1) == ["a"]
    assert listen.spread(scores, 9) == ["a", "b", "c", "d", "none"]


@pytest.mark.parametrize(
    ("songs", "count", "expected"), [(7, 8, 96_000), (8, 8, 96_000), (8, 30, 42_187)]
)
def test_bit_rate_keeps_the_page_below_ten_megabytes(songs, count, expected):
    seconds = songs * (count + 2) * 5
    rate = listen.bit_rate(seconds)
    assert rate == expected
    assert rate / 8 * 4 / 3 * seconds < 10e6


def test_mixture_and_vocals_are_included_once_with_all_estimates(tmp_path):
    loud = 4 * tone(300)  # eval divides by the peak, which depends on the estimate
    one = experiment(tmp_path, "one", 1.2, song=loud)
    two = experiment(tmp_path, "two", 1.3, song=loud)
    found = listen.compared("song", [one, two], pd.Series({"one": 1.0, "two": 2.0}), 24_000)
    assert list(found.excerpt.sounds) == ["mixture", "vocals", "one", "two"]
    assert found.missing == {} and found.scores == {"one": 1.0, "two": 2.0}
    assert (found.excerpt.start, found.excerpt.seconds) == (1.5, 1.0)


def test_excerpt_that_cannot_be_compared_is_omitted_with_a_reason(tmp_path):
    found = [
        experiment(tmp_path, "without", other=tone(300)),
        experiment(tmp_path, "first", song=tone(300)),
        experiment(tmp_path, "shorter", song=tone(300, 0.5)),
        experiment(tmp_path, "elsewhere", song=tone(310)),
    ]
    scores = pd.Series(dtype=float)
    song = listen.compared("song", found, scores, 24_000)
    assert list(song.excerpt.sounds) == ["mixture", "vocals", "first"]
    assert set(song.missing) == {"without", "shorter", "elsewhere"}
    table = pd.DataFrame({"SDR": 1.0}, index=[e.name for e in found])
    page = comparison.page([song], table)
    reasons = re.findall(r'class="note">(no audio: [^<]*)<', page)
    assert len(reasons) == 3 and sum("another part" in reason for reason in reasons) == 2


def test_zero_songs_are_an_error(rejects):
    with rejects("--songs 0"):
        listen.main(["--songs", "0"])


def test_newest_experiment_of_a_name_is_found(tmp_path, rejects):
    def git(*command, date="2024-01-01T00:00:00Z"):
        return subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@b.org", *command],
            cwd=tmp_path, check=True, capture_output=True, text=True,
            env={**os.environ, "GIT_COMMITTER_DATE": date},
        ).stdout.strip()  # fmt: skip

    git("init", "-q")
    revs = []
    for year in (2025, 2024):
        git("commit", "-q", "--allow-empty", "-m", "c", date=f"{year}-01-01T00:00:00Z")
        revs.append(git("rev-parse", "HEAD"))
        git("update-ref", f"refs/exps/{str(year)[2:]}/{'0' * 38}/mine", revs[-1])
    git("update-ref", "refs/exps/exec/EXEC_BASELINE", revs[0])
    git("update-ref", "refs/exps/stash", revs[0])
    assert experiments.commits(["mine"], tmp_path) == {"mine": ("25" + "0" * 38, revs[0])}
    assert experiments.commits([], tmp_path) == {}
    with rejects("EXEC_BASELINE, none: no such experiment"):
        experiments.commits(["mine", "EXEC_BASELINE", "none"], tmp_path)
