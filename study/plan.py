"""The experiments of `matrix`, or of a study: which exist, and what the missing ones share."""

import math
from functools import cached_property
from pathlib import Path

from dvc.repo import Repo

from stages.schema.params import Params, load, lookup
from study.naming import Experiment, Settings, combinations, experiment, name_of
from study.pipeline import Pipeline, with_settings
from study.records import Records
from study.repository import lock_here
from vocalseg.errors import BadInput

SHARED = "shared-"  # how names of runs that several experiments share begin
ONCE, EXPERIMENTS = "once", "experiments"  # the first and the last wave


def experiments_of(params: Params) -> dict[str, Settings]:
    """The experiments of `matrix`, by name."""
    if not params.matrix:
        raise BadInput("params.yaml: matrix: is empty; give it keys with lists of values")
    found = {name_of(s): s for s in combinations(params.matrix)}
    if len(found) < math.prod(map(len, params.matrix.values())):
        raise BadInput("params.yaml: matrix: two experiments would have the same name")
    return found


def read(study: str | None) -> "Matrix":
    """The experiments of `matrix` in params.yaml, or of one of its ``studies``."""
    params = load()
    if study is None:
        return Matrix(params, experiments_of(params))
    records = Records(params, study)
    return Matrix(params, records.experiments, records)


class Matrix:
    """Experiments, and which of them exist.

    Parameters
    ----------
    params : Params
    experiments : dict
        The settings of each, by name.
    records : Records or None
        The committed table of a study, whose rows need no experiment.
    """

    def __init__(
        self, params: Params, experiments: dict[str, Settings], records: Records | None = None
    ):
        keys = list(dict.fromkeys(key for settings in experiments.values() for key in settings))
        usual = {key: lookup(params.model_dump(), key) for key in keys}
        self.experiments = {name: usual | settings for name, settings in experiments.items()}
        self.params = {n: with_settings(params, s) for n, s in self.experiments.items()}
        self.records = records
        self.kept = set(records.kept()) if records else set()
        with Repo() as repo:
            self.pipeline = Pipeline(repo, keys)
        self.once = [stage for stage, keys in self.pipeline.keys.items() if not keys]

    @cached_property
    def outdated(self) -> set[str]:
        """Stages that no key reaches and whose results in the workspace are not up to date."""
        with Repo() as repo, repo.lock:
            stages = [stage for stage in repo.index.stages if stage.name in self.once]
            return {stage.name for stage in stages if stage.status()}

    def collect(self, missing: list[str]) -> None:
        """Add the experiments of a study that are not among the missing to its table."""
        if self.records:
            self.records.collect(missing)

    def units(self, stage: str) -> dict[str, list[str]]:
        """The runs of a stage: a name for each of its settings, and the experiments with them."""
        found: dict[str, list[str]] = {}
        for name, settings in self.experiments.items():
            reached = {k: v for k, v in settings.items() if k in self.pipeline.keys[stage]}
            found.setdefault("-".join([stage, *filter(None, [name_of(reached)])]), []).append(name)
        return found

    def missing(self, known: dict[str, dict], here: dict | None) -> list[str]:
        """Experiments that are not in ``known``, or not by this code and these settings there.

        Parameters
        ----------
        known : dict
            Of :func:`study.repository.locks`.
        here : dict or None
            As :meth:`study.pipeline.Pipeline.made` takes it.
        """
        return [
            name
            for name, params in self.params.items()
            if name not in self.kept
            and not all(
                self.pipeline.made(stage, params, known.get(name, {}), here)
                for stage in self.pipeline.commands
            )
        ]

    def cached(self, stage: str, known: dict[str, dict]) -> set[str]:
        """The runs of a stage whose outputs are in the cache."""
        if stage in self.once:
            return set() if stage in self.outdated else {stage}
        here = lock_here()
        with Repo() as repo:
            return {
                unit
                for unit, names in self.units(stage).items()
                for lock in (here, *known.values())
                if self.pipeline.made(stage, self.params[names[0]], lock, here)
                and all(
                    Path(out["path"]).exists() or repo.cache.local.exists(out["md5"])
                    for out in lock[stage]["outs"]
                )
            }

    def show(self, known: dict[str, dict]) -> None:
        """Print what there is and what will run."""
        missing = self.missing(known, lock_here())
        done = len(self.experiments) - len(missing)
        print(f"{len(self.experiments)} experiments, {done} of them finished", flush=True)
        if not missing and not self.outdated:
            return
        for stage in self.pipeline.commands:
            units, cached = self.units(stage), self.cached(stage, known)
            print(f"  {stage}: {len(units)} runs, {len(cached)} cached", flush=True)

    def waves(self, names: list[str]) -> dict[str, list[Experiment]]:
        """Runs that make the named experiments, each wave after the ones before it.

        What several of them share runs first: the stages that no key reaches, then each stage for
        each of its shared settings.
        """
        found = {}
        if len(names) > 1:
            if self.once:
                found[ONCE] = [Experiment(f"{SHARED}{ONCE}", (), tuple(self.once))]
            found |= {stage: self.shared(stage, names) for stage in self.pipeline.commands}
        found[EXPERIMENTS] = [experiment(name, self.experiments[name]) for name in names]
        return {wave: runs for wave, runs in found.items() if runs}

    def shared(self, stage: str, names: list[str]) -> list[Experiment]:
        """Runs of a stage that some key reaches and several of the named experiments need."""
        if stage in self.once:
            return []
        return [
            experiment(f"{SHARED}{unit}", self.experiments[users[0]], (stage,))
            for unit, users in self.units(stage).items()
            if len(set(users) & set(names)) > 1
        ]
