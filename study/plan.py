"""The experiments of `matrix` in params.yaml: which exist, and what their missing ones share."""

import math
from functools import cached_property
from pathlib import Path

from dvc.repo import Repo

from stages.schema.params import Params
from study.naming import Experiment, combinations, experiment, name_of
from study.pipeline import Pipeline, with_settings
from study.repository import lock_here
from vocalseg.errors import BadInput

SHARED = "shared-"  # how names of runs that several experiments share begin
ONCE, EXPERIMENTS = "once", "experiments"  # the first and the last wave


class Matrix:
    """The experiments of params.yaml, and which of them exist."""

    def __init__(self, params: Params):
        if not params.matrix:
            raise BadInput("params.yaml: matrix: is empty; give it keys with lists of values")
        self.experiments = {name_of(s): s for s in combinations(params.matrix)}
        if len(self.experiments) < math.prod(map(len, params.matrix.values())):
            raise BadInput("params.yaml: matrix: two experiments would have the same name")
        self.params = {n: with_settings(params, s) for n, s in self.experiments.items()}
        with Repo() as repo:
            self.pipeline = Pipeline(repo, params.matrix)
        self.once = [stage for stage, keys in self.pipeline.keys.items() if not keys]

    @cached_property
    def outdated(self) -> set[str]:
        """Stages that no key reaches and whose results in the workspace are not up to date."""
        if not self.once:
            return set()
        with Repo() as repo:
            return {n.rpartition(":")[2] for n in repo.status(targets=self.once)} - {"inputs"}

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
            if not all(
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
