"""What DVC knows of finished experiments, as tables."""

import sys
from pathlib import Path

import dvc.api
import numpy as np
import pandas as pd
from dvc.exceptions import DvcException
from dvc.repo import Repo

import stages  # noqa: F401  (puts this folder's src first on the path)
from study import paper
from vocalseg import params
from vocalseg.errors import BadInput

SONGS = "plots/songs.csv"
SCORES = [
    *("table1.sdr", "table1.sir", "table1.sar"),
    *("museval.sdr", "museval.sir", "museval.sar"),
    "global.sdr",
]
GAINS = {"museval.gain": "museval.sdr", "global.gain": "global.sdr"}
BOUNDS = [f"{bound}.{score}" for bound in ("mixture", "irm") for score in SCORES]


def rows(repo: str | Path = ".", num: int = 1) -> pd.DataFrame:
    """Finished experiments, one row each.

    Parameters
    ----------
    repo : path
    num : int
        Experiments that started from one of the last ``num`` commits; -1: from any that led to
        HEAD.

    Returns
    -------
    DataFrame
        ``name``, ``rev``, ``seed``; the factors: axis, scaler, loss, the other keys of ``matrix``
        and every parameter in which the experiments differ; scores as ``protocol.metric``, gains
        over the mixture as ``protocol.gain``, and ``mixture.protocol.metric`` and
        ``irm.protocol.metric``, the floor and a ceiling. All in dB, NaN where not defined.
        Of experiments with equal parameters the newest.

    Raises
    ------
    BadInput
        If none has finished.
    """
    settings = params.load(Path(repo) / "params.yaml")
    shown = pd.DataFrame(dvc.api.exp_show(str(repo), num=num)).astype(object)
    found = shown[finished(shown)].rename(columns={"Experiment": "name"})
    with Repo(str(repo)) as opened:
        whole = np.array([ran_whole(opened, rev) for rev in found["rev"]], dtype=bool)
    for name in found["name"][~whole]:
        print(f"left out: {name}: not run to its end, its scores are not its own", file=sys.stderr)
    found = found[whole]
    if found.empty:
        raise BadInput(
            "no experiment of this commit has finished: `make matrix` runs them, "
            "`python -m study.compare --all-commits` shows those of earlier commits"
        )

    known = pd.json_normalize(settings.model_dump(exclude={"matrix"})).columns
    varied = [key for key in known if key in found and found[key].astype(str).nunique() > 1]
    keys = [k for k in dict.fromkeys([*paper.FACTORS, *settings.matrix, *varied]) if k != "seed"]
    levels = found[["seed", *keys]].apply(_plain)
    scores = found.reindex(columns=[*SCORES, *BOUNDS]).apply(pd.to_numeric, errors="coerce")
    table = pd.concat([found[["name", "rev"]], levels, scores.astype(float)], axis=1)
    for gain, score in GAINS.items():
        table[gain] = (table[score] - table[f"mixture.{score}"]).round(3)
    return table.drop_duplicates(["seed", *keys], ignore_index=True)


def factors(rows: pd.DataFrame) -> list[str]:
    """Columns of :func:`rows` that are factors; the seed is none."""
    fixed = {"name", "rev", "seed", *SCORES, *GAINS, *BOUNDS}
    return [column for column in rows if column not in fixed]


def finished(shown: pd.DataFrame) -> pd.Series:
    """Which rows of ``dvc.api.exp_show`` are experiments that came to their end.

    One that is queued, running or failed may show the scores of the commit that it started from.
    """
    state = shown["State"]
    return shown["typ"].str.startswith("branch") & (state.isna() | (state == "Success"))


def ran_whole(repo: Repo, rev: str) -> bool:
    """Whether every stage of a revision ran on its parameters and on the other stages' outputs.

    After ``dvc exp run STAGE`` they did not: its scores are those of the commit it started from.
    """
    with repo.switch(rev):
        made = {out.fs_path: out.hash_info for out in repo.index.outs}
        return not any(dep.status() for dep in repo.index.params) and all(
            dep.hash_info == made.get(dep.fs_path, dep.hash_info) for dep in repo.index.deps
        )


def song_scores(
    rows: pd.DataFrame, repo: str | Path = ".", protocol: str = "global", metric: str = "sdr"
) -> pd.DataFrame:
    """One score of every song in every experiment.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`rows`.

    Returns
    -------
    DataFrame
        ``song``, ``value`` (dB, NaN where not defined), ``seed`` and the factors.

    Raises
    ------
    BadInput
        If an experiment's scores of songs are not in DVC's cache.
    """
    tables = []
    for row in rows.to_dict("records"):
        try:
            with dvc.api.open(SONGS, repo=str(repo), rev=row["rev"]) as file:
                songs = pd.read_csv(file, keep_default_na=False, na_values={"value": [""]})
        except (DvcException, OSError):
            raise BadInput(
                f"{row['name']}: its {SONGS} is not in DVC's cache; `dvc exp pull` fetches what "
                "was pushed, `dvc exp remove` and a new run make it again"
            ) from None
        songs = songs[(songs["protocol"] == protocol) & (songs["metric"] == metric)]
        levels = {key: row[key] for key in ["seed", *factors(rows)]}
        tables.append(songs[["song", "value"]].assign(**levels))
    return pd.concat(tables, ignore_index=True)


def _plain(column: pd.Series) -> pd.Series:
    """Undo that DVC tells all numbers as floats."""
    values = column.infer_objects()
    whole = pd.api.types.is_float_dtype(values) and (values % 1 == 0).all()
    return values.astype(int) if whole else values
