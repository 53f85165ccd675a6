"""The committed results of a study, each row with a digest of what produced it.

``metrics/STUDY.csv`` has one row per experiment, ``metrics/STUDY.songs.csv`` one row per song and
experiment. The column ``made_by`` is a digest of all parameters and of the code, libraries and
songs that the stages use (``inputs/STAGE.json``). A row is valid while its digest is current, also
in a clone without DVC's cache; a later run computes only the missing rows.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import yaml
from dvc.api import DVCFileSystem
from pydantic import ValidationError

from stages import inputs, trainings
from stages.schema.params import Params, lookup
from study import experiments, song_scores
from study.models import MODEL
from study.outputs import replaced
from study.repository import file_at, locks, revision
from vocalseg.errors import BadInput

FOLDER = Path("metrics")
SCORES = ("museval.sdr", "global.sdr", "global.si_sdr", "table1.sdr")
BOUNDS = ("mixture", "irm")


class Records:
    """The tables of a study.

    Parameters
    ----------
    params : Params
    study : str
        Name of one of ``studies``.

    Attributes
    ----------
    path, songs : Path
        The two CSV files.
    steps, experiments, params : dict
        The step, the settings and all parameters of each experiment, by name.

    Raises
    ------
    BadInput
        If there is no such study, or the settings of an experiment are invalid.
    """

    def __init__(self, params: Params, study: str):
        if study not in params.studies:
            known = ", ".join(params.studies) or "none"
            raise BadInput(f"params.yaml: studies.{study}: no such study; choose from: {known}")
        self.path, self.songs = (FOLDER / f"{study}{end}" for end in (".csv", ".songs.csv"))
        planned = params.studies[study].experiments(study)
        self.steps = {name: step for name, (step, _) in planned.items()}
        self.experiments = {name: settings for name, (_, settings) in planned.items()}
        self.params = {}
        for name, settings in self.experiments.items():
            try:
                self.params[name] = params.changed(settings)
            except ValidationError as error:
                reason = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise BadInput(f"params.yaml: studies.{study}: {name}: {reason}") from None

    def up_to_date(self) -> list[str]:
        """Names of experiments whose rows the current code and parameters have produced."""
        rows, songs = self._rows(), self._songs()
        return [name for name in rows["name"] if name in set(songs["name"])]

    def collect(self, missing: Collection[str]) -> None:
        """Add new results to the tables and remove rows that are out of date.

        Parameters
        ----------
        missing : collection of str
            Experiments that have no results.
        """
        current, known = set(self.up_to_date()), locks()
        new = [n for n in self.experiments if n not in current and n not in missing and n in known]
        rows = [self._row(name, known[name]) for name in new]
        order = {name: position for position, name in enumerate(self.experiments)}
        for path, old, added in (
            (self.path, self._rows(), [pd.DataFrame([row]) for row in rows]),
            (self.songs, self._songs(), [_song_rows(name) for name in new]),
        ):
            old = old[old["name"].isin(current)]
            table = pd.concat([part for part in (old, *added) if len(part)] or [old])
            table = table.sort_values("name", key=lambda x: x.map(order), kind="stable")
            if len(table) or path.exists():
                with replaced(path) as part:
                    table.to_csv(part, index=False)

    def table(self) -> pd.DataFrame:
        """Read the up-to-date rows, in the order of the experiments.

        Returns
        -------
        DataFrame
            ``name``, ``step``, ``seed``, ``made_by``; :data:`SCORES` and their :data:`BOUNDS` in
            dB; ``val_loss``; ``minutes`` and ``cpu_minutes`` of training; ``onednn``, ``threads``
            and ``precision`` (:class:`vocalseg.compute.ComputeSettings`); ``settings``.
        """
        rows = self._rows()
        order = {name: position for position, name in enumerate(self.experiments)}
        return rows.sort_values("name", key=lambda x: x.map(order), ignore_index=True)

    def song_scores(self) -> pd.DataFrame:
        """Read the SDR of each song in each experiment.

        Returns
        -------
        DataFrame
            ``name``, ``step``, ``seed``, ``song``, and the SDR in dB as ``museval`` and ``global``.
        """
        rows = self.table()[["name", "step", "seed"]]
        return rows.merge(self._songs(), on="name")

    def _rows(self) -> pd.DataFrame:
        if not self.path.exists():
            return pd.DataFrame(columns=["name", "made_by"])
        rows = pd.read_csv(self.path, dtype={"name": str, "step": str, "made_by": str})
        made = {name: digest(params) for name, params in self.params.items()}
        return rows[rows["made_by"] == rows["name"].map(made)]

    def _songs(self) -> pd.DataFrame:
        if not self.songs.exists():
            return pd.DataFrame(columns=["name", "song"])
        numbers = {"museval": "", "global": ""}
        return pd.read_csv(
            self.songs, dtype={"name": str, "song": str}, keep_default_na=False, na_values=numbers
        )

    def _row(self, name: str, lock: dict) -> dict:
        rev = revision(name)
        read = {
            part: json.loads(file_at(rev, f"metrics/{part}.json"))
            for part in ("train", "eval", "bounds")
        }
        md5 = experiments.checksum(lock, "train", experiments.TRAINED)
        minutes = {
            "minutes": trainings.seconds(md5) / 60,
            "cpu_minutes": trainings.cpu_seconds(md5) / 60,
        }
        return {
            "name": name,
            "step": self.steps[name],
            "seed": self.params[name].seed,
            "made_by": digest(self.params[name]),
            **{score: lookup(read["eval"], score) for score in SCORES},
            **{f"{b}.{s}": lookup(read["bounds"], f"{b}.{s}") for b in BOUNDS for s in SCORES},
            "val_loss": read["train"]["val_loss"],
            **{key: round(value, 2) for key, value in minutes.items()},
            **compute_settings(rev),
            "settings": yaml.safe_dump(self.experiments[name], default_flow_style=True).strip(),
        }


def digest(params: Params) -> str:
    """Compute a digest of everything that determines an experiment's scores.

    Parameters
    ----------
    params : Params
        All parameters of the experiment; the section ``reports`` is ignored.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    values = params.model_dump(exclude={"reports"})
    stages = sorted(set(inputs.OUT.glob("*.json")) - {inputs.OUT / "report.json"})
    content = [values, {path.stem: json.loads(path.read_text()) for path in stages}]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compute_settings(rev: str) -> dict:
    """Read how an experiment's training computed, which the digest does not cover.

    Parameters
    ----------
    rev : str
        Commit of the experiment.

    Returns
    -------
    dict
        ``onednn``, ``threads`` and ``precision``.
    """
    with DVCFileSystem(".", rev=rev).open(MODEL.as_posix()) as file:
        return json.load(file)["trained"]


def _song_rows(name: str) -> pd.DataFrame:
    songs = song_scores.read_songs(name, revision(name))
    sdr = songs[songs["metric"] == "sdr"].pivot(index="song", columns="protocol", values="value")
    return sdr[["museval", "global"]].reset_index().assign(name=name)[
        ["name", "song", "museval", "global"]
    ]
