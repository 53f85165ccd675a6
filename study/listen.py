"""Create a listening page with the estimates of several experiments and a blind test.

    python -m study.listen [EXPERIMENT…] [--out FILE] [--songs N]

By default, the page has all finished experiments of this commit; named experiments may be of any
commit. The excerpts that `eval` wrote are read from DVC's cache, so nothing is separated again.
"""

import argparse
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile as sf
from dvc.repo import Repo

from study import table
from study.command import run
from study.experiments import checksum, lock_at, rows
from study.outputs import replaced
from study.song_scores import read_songs
from vocalseg.errors import BadInput
from vocalseg.parallel import parallel_map
from vocalseg.report import comparison
from vocalseg.report.comparison import GIVEN
from vocalseg.report.excerpts import excerpt

EXCERPTS, INDEX = "data/excerpts", "index.csv"
SOUND_BYTES = 9_000_000  # maximum size of the page's audio, so that it can be sent by mail
BIT_RATES = 24_000, 96_000  # lowest and highest bit rate of a track, in bits per second
HEADS = {"museval.sdr": "SDR", "museval.sir": "SIR", "museval.sar": "SAR", "museval.gain": "gain",
         "global.sdr": "global SDR", "table1.sdr": "table1 SDR"}  # fmt: skip


class Experiment(NamedTuple):
    """The excerpts of one experiment.

    Attributes
    ----------
    name : str
    files : dict
        Path in DVC's cache of each file, by its path in the folder of excerpts.
    index : DataFrame
        Content of ``index.csv``, by song.
    """

    name: str
    files: dict[str, Path]
    index: pd.DataFrame

    def read(self, song: str, stem: str) -> tuple[np.ndarray, int]:
        """Read a waveform, shape (samples, channels), and its sample rate in Hz."""
        waveform, rate = sf.read(
            self.files[f"{song}/{stem}.flac"], dtype="float32", always_2d=True
        )
        return waveform * self.index.loc[song, "peak"], rate


def find_excerpts(name: str, rev: str, repo: str | Path = ".") -> Experiment:
    """Find the excerpts of an experiment in DVC's cache.

    Parameters
    ----------
    name, rev : str
        Name and commit of the experiment.
    repo : path

    Raises
    ------
    BadInput
        If they are not in the cache.
    """
    with Repo(str(repo)) as opened:
        cached = opened.cache.local.oid_to_path
        listing = Path(cached(checksum(lock_at(rev, repo), "eval", EXCERPTS)))
        entries = json.loads(listing.read_text()) if listing.exists() else []
        files = {entry["relpath"]: Path(cached(entry["md5"])) for entry in entries}
    if INDEX not in files or not all(path.exists() for path in files.values()):
        raise BadInput(
            f"{name}: {EXCERPTS} is not in DVC's cache; fetch it with `dvc exp pull` if it was "
            "pushed, or remove the experiment (`dvc exp remove`) and run it again"
        )
    index = pd.read_csv(files[INDEX], dtype={"song": str}, keep_default_na=False)
    return Experiment(name, files, index.set_index("song"))


def spread(scores: pd.Series, count: int) -> list[str]:
    """Select songs at evenly spaced ranks, from the best score to the worst.

    Parameters
    ----------
    scores : Series of float
        In dB, by song; NaN counts as the lowest.
    count : int
        Maximum number of songs.
    """
    ranked = scores.sort_values(ascending=False, kind="stable").index
    ranks = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
    return list(ranked[ranks])


def bit_rate(seconds: float) -> int:
    """Compute the bit rate at which audio of this total duration fits :data:`SOUND_BYTES`."""
    low, high = BIT_RATES
    base64 = 4 / 3
    return int(np.clip(SOUND_BYTES * 8 / base64 / max(seconds, 1e-9), low, high))


def compared(
    song: str, experiments: list[Experiment], scores: pd.Series, bits: int
) -> comparison.Song:
    """Assemble a song of the page: the stems of the first experiment and the estimates of all.

    An experiment has no track if its excerpt has another position or another mixture than that of
    the first experiment, because the estimates could not be compared.

    Parameters
    ----------
    song : str
    experiments : list of Experiment
    scores : Series of float
        museval SDR in dB, by experiment.
    bits : int
        Bit rate of each track, in bits per second.
    """
    first = next(e for e in experiments if song in e.index.index)
    tracks, rate = {}, 0
    for stem in GIVEN:
        tracks[stem], rate = first.read(song, stem)
    start, mixture, missing = first.index.loc[song, "start"], tracks["mixture"], {}
    for other in experiments:
        if song not in other.index.index:
            missing[other.name] = "no audio: this experiment has no excerpt of the song"
            continue
        own, own_rate = other.read(song, "mixture")
        same = own.shape == mixture.shape and own_rate == rate
        if not same or np.abs(own - mixture).max() > 1e-3:
            missing[other.name] = "no audio: its excerpt is another part of the song"
            continue
        tracks[other.name] = other.read(song, "estimate")[0]
    part = excerpt(song, float(start), tracks, rate, bits)
    return comparison.Song(part, scores.to_dict(), missing)


def page(found: pd.DataFrame, count: int, repo: str | Path = ".") -> str:
    """Format the page as HTML.

    Parameters
    ----------
    found : DataFrame
        Result of :func:`study.experiments.rows`.
    count : int
        Maximum number of songs.
    repo : path
    """
    shown = table.table(found).drop(columns=table.MINUTES)
    shown = shown.set_index("name").rename(columns=HEADS)
    shown.columns = [column.rpartition(".")[2] for column in shown.columns]
    revs = found.set_index("name")["rev"]
    experiments = [find_excerpts(name, revs[name], repo) for name in shown.index]
    scores = pd.DataFrame({name: sdr(name, revs[name], repo) for name in shown.index})
    songs = dict.fromkeys(song for e in experiments for song in e.index.index)
    chosen = spread(scores.reindex(list(songs)).mean(axis=1), count)
    seconds = len(chosen) * (len(experiments) + len(GIVEN)) * longest(experiments)
    bits = bit_rate(seconds)
    scores = scores.reindex(chosen)
    parts = parallel_map(
        lambda song: compared(song, experiments, scores.loc[song], bits), chosen, label="listen"
    )
    return comparison.page(list(parts), shown)


def sdr(name: str, rev: str, repo: str | Path) -> pd.Series:
    """Read the museval SDR of each song in dB, NaN where undefined."""
    songs = read_songs(name, rev, repo)
    chosen = songs[(songs["protocol"] == "museval") & (songs["metric"] == "sdr")]
    return chosen.set_index("song")["value"]


def longest(experiments: list[Experiment]) -> float:
    """Duration of the longest excerpt, in seconds."""
    files = [p for e in experiments for n, p in e.files.items() if n.endswith("/estimate.flac")]
    return max((sf.info(path).duration for path in files), default=math.nan)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m study.listen",
        description="Create a listening page with the estimates of several experiments.",
    )
    add = parser.add_argument
    add("experiments", nargs="*", metavar="EXPERIMENT", help="default: all of this commit")
    add("--out", type=Path, default=Path("listen.html"), help="default: listen.html")
    add("--songs", type=int, default=8, metavar="N", help="maximum number (default: 8)")
    options = parser.parse_args(arguments)
    if options.songs < 1:
        raise BadInput(f"--songs {options.songs}: must be at least 1")
    found = rows(names=options.experiments)
    text = page(found, options.songs)
    with replaced(options.out) as part:
        part.write_text(text, encoding="utf-8")
    count = f"{len(found)} experiment{'s' if len(found) != 1 else ''}"
    size = len(text.encode()) / 1e6
    print(f"{options.out}: {count}, {size:.1f} MB; open it in a browser")


if __name__ == "__main__":
    run(main)
