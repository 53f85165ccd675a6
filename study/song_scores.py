"""Read the scores of songs in finished experiments."""

from pathlib import Path

import pandas as pd
from dvc.repo import Repo

from study.experiments import checksum, factors, lock_at
from vocalseg.errors import BadInput

SONGS = "plots/songs.csv"


def song_scores(
    rows: pd.DataFrame, repo: str | Path = ".", protocol: str = "global", metric: str = "sdr"
) -> pd.DataFrame:
    """Tabulate one score of every song in every experiment.

    Parameters
    ----------
    rows : DataFrame
        Result of :func:`study.experiments.rows`.
    repo : path
    protocol, metric : str
        The score, such as ``museval`` and ``sdr``.

    Returns
    -------
    DataFrame
        ``song``, ``value`` (dB, NaN where undefined), ``seed`` and the factors.

    Raises
    ------
    BadInput
        If an experiment's song scores are not in DVC's cache.
    """
    tables = []
    for row in rows.to_dict("records"):
        songs = read_songs(row["name"], row["rev"], repo)
        songs = songs[(songs["protocol"] == protocol) & (songs["metric"] == metric)]
        levels = {key: row[key] for key in ["seed", *factors(rows)]}
        tables.append(songs[["song", "value"]].assign(**levels))
    return pd.concat(tables, ignore_index=True)


def read_songs(name: str, rev: str, repo: str | Path = ".") -> pd.DataFrame:
    """Read all scores of every song in an experiment, its ``plots/songs.csv``.

    The file is read from DVC's cache directly, because ``dvc.api.open`` is slow: it reads the whole
    pipeline of the revision.

    Parameters
    ----------
    name, rev : str
        Name and commit of the experiment.
    repo : path

    Returns
    -------
    DataFrame

    Raises
    ------
    BadInput
        If the file is not in the cache.
    """
    with Repo(str(repo)) as opened:
        path = Path(opened.cache.local.oid_to_path(checksum(lock_at(rev, repo), "eval", SONGS)))
    if not path.exists():
        raise BadInput(
            f"{name}: {SONGS} is not in DVC's cache; fetch it with `dvc exp pull` if it was "
            "pushed, or remove the experiment (`dvc exp remove`) and run it again"
        )
    return pd.read_csv(path, keep_default_na=False, na_values={"value": [""]})
