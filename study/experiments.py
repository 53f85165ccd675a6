"""Read finished experiments from DVC and git as tables."""

import json
import re
import sys
from collections.abc import Collection
from pathlib import Path

import dvc.api
import numpy as np
import pandas as pd
import yaml

from stages import trainings
from stages.schema import params
from study import paper
from study.repository import EXPERIMENTS, file_at, git, stages_of
from vocalseg.errors import BadInput

TRAINED = "metrics/train.json"
SCORES = [
    *("table1.sdr", "table1.sir", "table1.sar"),
    *("museval.sdr", "museval.sir", "museval.sar"),
    "global.sdr",
]
GAINS = {"museval.gain": "museval.sdr", "global.gain": "global.sdr"}
BOUNDS = [f"{bound}.{score}" for bound in ("mixture", "irm") for score in SCORES]


def rows(
    repo: str | Path = ".", num: int = 1, names: Collection[str] = (), studies: bool = False
) -> pd.DataFrame:
    """Tabulate the finished experiments, one row each.

    Parameters
    ----------
    repo : path
    num : int
        Include experiments that started from one of the last ``num`` commits; -1 for all commits
        of HEAD's history.
    names : collection of str
        Only these experiments, from whichever commit they started; ``num`` must be left out then.
    studies : bool
        Include the experiments of ``studies`` in params.yaml, which have tables of their own. With
        ``names``, they are always included.

    Returns
    -------
    DataFrame
        ``name``, ``rev``, ``seed``; the factors, which are axis, scaler, loss, the other keys of
        ``matrix`` and every parameter in which the experiments differ; scores as
        ``protocol.metric``, gains over the mixture as ``protocol.gain``, and the lower and upper
        bounds ``mixture.protocol.metric`` and ``irm.protocol.metric``. All in dB, NaN where
        undefined. Among experiments with equal parameters (with ``names``, with equal names), only
        the newest is listed.

    Raises
    ------
    BadInput
        If none has finished, or there is no experiment of one of ``names``.
    """
    settings = params.load(Path(repo) / "params.yaml")
    wanted = commits(names, repo)
    bases = sorted({base for base, _ in wanted.values()}) or None
    shown = pd.DataFrame(dvc.api.exp_show(str(repo), revs=bases, num=num)).astype(object)
    found = shown[finished(shown)].rename(columns={"Experiment": "name"})
    if wanted:
        newest = tuple(rev for _, rev in wanted.values())
        found = found[[any(rev.startswith(short) for rev in newest) for short in found["rev"]]]
    elif not studies:
        planned = (plan.experiments(study) for study, plan in settings.studies.items())
        found = found[~found["name"].isin(set().union(*planned))]
    whole = np.array([is_complete(rev, repo) for rev in found["rev"]], dtype=bool)
    for name in found["name"][~whole]:
        print(
            f"{name}: skipped, because some of its stages have not run; its scores are those of "
            "the commit it started from",
            file=sys.stderr,
        )
    found = found[whole]
    if found.empty:
        raise BadInput(
            "no experiment of this commit has finished: `make matrix` runs them; "
            "`python -m study.compare --all-commits` shows those of earlier commits"
        )

    known = pd.json_normalize(settings.model_dump(exclude=params.PLANS)).columns
    varied = [key for key in known if key in found and found[key].astype(str).nunique() > 1]
    keys = [k for k in dict.fromkeys([*paper.FACTORS, *settings.matrix, *varied]) if k != "seed"]
    levels = found[["seed", *keys]].apply(_plain)
    bounds = pd.DataFrame([read_bounds(rev, repo) for rev in found["rev"]], index=found.index)
    scores = found.reindex(columns=SCORES).join(bounds).apply(pd.to_numeric, errors="coerce")
    table = pd.concat([found[["name", "rev"]], levels, scores.astype(float)], axis=1)
    for gain, score in GAINS.items():
        table[gain] = (table[score] - table[f"mixture.{score}"]).round(3)
    return table if names else table.drop_duplicates(["seed", *keys], ignore_index=True)


def commits(names: Collection[str], repo: str | Path = ".") -> dict[str, tuple[str, str]]:
    """The commit that an experiment started from and its own; the newest of each name.

    Raises
    ------
    BadInput
        If there is no experiment of a name.
    """
    form = "--format=%(refname:lstrip=2) %(objectname)"
    listed = git("for-each-ref", "--sort=creatordate", form, EXPERIMENTS, repo=repo)
    found = {}
    for line in listed.splitlines():
        # Other references are DVC's own, such as exec/EXEC_BASELINE.
        if match := re.fullmatch(r"(\w{2})/(\w{38})/(\S+) (\w+)", line):
            first, rest, name, rev = match.groups()
            found[name] = first + rest, rev
    if missing := [name for name in names if name not in found]:
        raise BadInput(
            f"{', '.join(missing)}: no such experiment; `dvc exp list --all-commits` lists them"
        )
    return {name: found[name] for name in names}


def factors(rows: pd.DataFrame) -> list[str]:
    """Select the columns of :func:`rows` that are factors; the seed is not one.

    Parameters
    ----------
    rows : DataFrame
        Result of :func:`rows`.

    Returns
    -------
    list of str
    """
    fixed = {"name", "rev", "seed", *SCORES, *GAINS, *BOUNDS}
    return [column for column in rows if column not in fixed]


def finished(shown: pd.DataFrame) -> pd.Series:
    """Find the rows that are finished experiments.

    A queued, running or failed experiment may show the scores of the commit that it started from.

    Parameters
    ----------
    shown : DataFrame
        Result of ``dvc.api.exp_show``.

    Returns
    -------
    Series of bool
    """
    state = shown["State"]
    return shown["typ"].str.startswith("branch") & (state.isna() | (state == "Success"))


def is_complete(rev: str, repo: str | Path = ".") -> bool:
    """Check that every stage of a revision ran with its parameters and the other stages' outputs.

    After ``dvc exp run STAGE`` this does not hold: the scores are those of the commit that the
    experiment started from.
    """
    stages = stages_of(file_at(rev, "dvc.lock", repo))
    values = yaml.safe_load(file_at(rev, "params.yaml", repo))
    made = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    return all(
        dep["md5"] == made.get(dep["path"], dep["md5"])
        for stage in stages.values()
        for dep in stage.get("deps", [])
    ) and all(
        value == params.lookup(values, key)
        for stage in stages.values()
        for key, value in stage.get("params", {}).get("params.yaml", {}).items()
    )


def read_bounds(rev: str, repo: str | Path = ".") -> dict[str, float]:
    """Read the values of :data:`BOUNDS` at a revision, in dB."""
    values = json.loads(file_at(rev, "metrics/bounds.json", repo))
    return {bound: params.lookup(values, bound) for bound in BOUNDS}


def durations(found: pd.DataFrame, repo: str | Path = ".") -> pd.Series:
    """Look up how long each training took.

    Parameters
    ----------
    found : DataFrame
        Result of :func:`rows`.
    repo : path

    Returns
    -------
    Series of float
        Seconds; NaN for a training that ran on another machine.
    """

    def seconds(rev: str) -> float:
        return trainings.seconds(checksum(lock_at(rev, repo), "train", TRAINED))

    return found["rev"].map(seconds).astype(float)


def lock_at(rev: str, repo: str | Path = ".") -> dict:
    """Read the stages of ``dvc.lock`` at a revision."""
    return stages_of(file_at(rev, "dvc.lock", repo))


def checksum(lock: dict, stage: str, path: str) -> str:
    """Return the MD5 of a stage's output.

    Parameters
    ----------
    lock : dict
        Result of :func:`lock_at`.
    stage, path : str
    """
    return next(out["md5"] for out in lock[stage]["outs"] if out["path"] == path)


def _plain(column: pd.Series) -> pd.Series:
    """Restore integers, which DVC reports as floats."""
    values = column.infer_objects()
    whole = pd.api.types.is_float_dtype(values) and (values % 1 == 0).all()
    return values.astype(int) if whole else values
