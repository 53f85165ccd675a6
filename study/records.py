"""What a study has found: a table that is committed, and what made each of its rows.

``metrics/STUDY.csv`` has a row for each experiment, ``metrics/STUDY.songs.csv`` one for each song
of it. ``made_by`` is a digest of all parameters and of the code, libraries and songs that the
stages use (``inputs/STAGE.json``): a row stays as long as it is the same, also in a clone without
DVC's cache, and what is missing is all that a later run computes.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import yaml
from pydantic import ValidationError

from stages import inputs, trainings
from stages.schema.params import Params, lookup
from study import experiments
from study.repository import file_at, locks, revision
from vocalseg.errors import BadInput

FOLDER = Path("metrics")
SCORES = ("museval.sdr", "global.sdr", "global.si_sdr", "table1.sdr")
BOUNDS = ("mixture", "irm")


class Records:
    """The rows of a study.

    Parameters
    ----------
    params : Params
    study : str
        Name of one of ``studies``.
    """

    def __init__(self, params: Params, study: str):
        if study not in params.studies:
            known = ", ".join(params.studies) or "none"
            raise BadInput(f"params.yaml: studies.{study}: no such study; there is {known}")
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

    def kept(self) -> list[str]:
        """Names of experiments with a row that the same code and parameters made."""
        rows, songs = self._rows(), self._songs()
        return [name for name in rows["name"] if name in set(songs["name"])]

    def collect(self, missing: Collection[str]) -> None:
        """Write the table: rows that are kept, and those of experiments that are not missing."""
        kept, known = set(self.kept()), locks()
        new = [n for n in self.experiments if n not in kept and n not in missing and n in known]
        rows = [self._row(name, known[name]) for name in new]
        order = {name: place for place, name in enumerate(self.experiments)}
        for path, old, more in (
            (self.path, self._rows(), [pd.DataFrame([row]) for row in rows]),
            (self.songs, self._songs(), [_song_rows(name) for name in new]),
        ):
            old = old[old["name"].isin(kept)]
            whole = pd.concat([part for part in (old, *more) if len(part)] or [old])
            whole = whole.sort_values("name", key=lambda x: x.map(order), kind="stable")
            if len(whole) or path.exists():
                path.parent.mkdir(exist_ok=True)
                whole.to_csv(path, index=False)

    def table(self) -> pd.DataFrame:
        """Rows of the experiments, in their order, with ``step``."""
        rows = self._rows()
        order = {name: place for place, name in enumerate(self.experiments)}
        return rows.sort_values("name", key=lambda x: x.map(order), ignore_index=True)

    def song_scores(self) -> pd.DataFrame:
        """``name``, ``step``, ``seed``, ``song``, and SDR by ``museval`` and ``global``."""
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
            "settings": yaml.safe_dump(self.experiments[name], default_flow_style=True).strip(),
        }


def digest(params: Params) -> str:
    """Of what an experiment's scores follow from."""
    values = params.model_dump(exclude={"reports"})
    stages = sorted(set(inputs.OUT.glob("*.json")) - {inputs.OUT / "report.json"})
    content = [values, {path.stem: json.loads(path.read_text()) for path in stages}]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _song_rows(name: str) -> pd.DataFrame:
    songs = experiments.read_songs(name, revision(name))
    sdr = songs[songs["metric"] == "sdr"].pivot(index="song", columns="protocol", values="value")
    return sdr[["museval", "global"]].reset_index().assign(name=name)[
        ["name", "song", "museval", "global"]
    ]
