"""Plan the experiments of `matrix` or of a study: which are missing, and which runs they share."""

import math
from functools import cached_property
from pathlib import Path

from dvc.repo import Repo

from stages.schema.params import Params, load, lookup
from study.naming import Experiment, Settings, combinations, experiment, experiment_name
from study.pipeline import Pipeline, with_settings
from study.records import Records
from study.repository import workspace_lock
from vocalseg.errors import BadInput

SHARED = "shared-"  # prefix of the names of runs that several experiments share
ONCE, EXPERIMENTS = "once", "experiments"  # names of the first and the last wave


def experiments_of(params: Params) -> dict[str, Settings]:
    """Expand `matrix` to the settings of its experiments, by name.

    Raises
    ------
    BadInput
        If it is empty, or two experiments would have the same name.
    """
    if not params.matrix:
        raise BadInput("params.yaml: matrix: is empty; add keys with lists of values")
    found = {experiment_name(s): s for s in combinations(params.matrix)}
    if len(found) < math.prod(map(len, params.matrix.values())):
        raise BadInput("params.yaml: matrix: two experiments would have the same name")
    return found


def load_matrix(study: str | None) -> "Matrix":
    """Read the experiments of a study, or of `matrix` if ``study`` is None, from params.yaml."""
    params = load()
    if study is None:
        return Matrix(params, experiments_of(params))
    records = Records(params, study)
    return Matrix(params, records.experiments, records)


class Matrix:
    """A set of experiments.

    Parameters
    ----------
    params : Params
    experiments : dict
        The settings of each experiment, by name.
    records : Records or None
        The committed table of a study. Experiments with an up-to-date row do not run again.

    Attributes
    ----------
    experiments : dict
        As the parameter, with the values of params.yaml for keys that an experiment does not set.
    params : dict
        All parameters of each experiment, by name.
    pipeline : Pipeline
    common_stages : list of str
        Stages that do not depend on any key: their results are the same for all experiments.
    """

    def __init__(
        self, params: Params, experiments: dict[str, Settings], records: Records | None = None
    ):
        keys = list(dict.fromkeys(key for settings in experiments.values() for key in settings))
        defaults = {key: lookup(params.model_dump(), key) for key in keys}
        self.experiments = {name: defaults | settings for name, settings in experiments.items()}
        self.params = {n: with_settings(params, s) for n, s in self.experiments.items()}
        self._records = records
        self._recorded = set(records.up_to_date()) if records else set()
        with Repo() as repo:
            self.pipeline = Pipeline(repo, keys)
        self.common_stages = [stage for stage, keys in self.pipeline.keys.items() if not keys]

    @cached_property
    def outdated(self) -> set[str]:
        """Common stages whose results in the workspace are not up to date."""
        with Repo() as repo, repo.lock:
            stages = [stage for stage in repo.index.stages if stage.name in self.common_stages]
            return {stage.name for stage in stages if stage.status()}

    def collect(self, missing: list[str]) -> None:
        """Add all experiments except the missing ones to the table of the study, if it is one."""
        if self._records:
            self._records.collect(missing)

    def stage_runs(self, stage: str) -> dict[str, list[str]]:
        """Name the runs of a stage, one for each of its settings, and list their experiments."""
        runs: dict[str, list[str]] = {}
        for name, settings in self.experiments.items():
            relevant = {k: v for k, v in settings.items() if k in self.pipeline.keys[stage]}
            run = "-".join(filter(None, [stage, experiment_name(relevant)]))
            runs.setdefault(run, []).append(name)
        return runs

    def missing(self, known: dict[str, dict], workspace: dict | None) -> list[str]:
        """List the experiments that have to run.

        Parameters
        ----------
        known : dict
            Result of :func:`study.repository.locks`.
        workspace : dict or None
            See :meth:`study.pipeline.Pipeline.is_up_to_date`.

        Returns
        -------
        list of str
            Names of experiments that do not exist, or exist with other code or settings.
        """
        return [
            name
            for name, params in self.params.items()
            if name not in self._recorded
            and not all(
                self.pipeline.is_up_to_date(stage, params, known.get(name, {}), workspace)
                for stage in self.pipeline.commands
            )
        ]

    def cached(self, stage: str, known: dict[str, dict]) -> set[str]:
        """Names of those :meth:`stage_runs` whose outputs are in the workspace or the cache."""
        if stage in self.common_stages:
            return set() if stage in self.outdated else {stage}
        workspace = workspace_lock()
        with Repo() as repo:
            return {
                run
                for run, names in self.stage_runs(stage).items()
                for lock in (workspace, *known.values())
                if self.pipeline.is_up_to_date(stage, self.params[names[0]], lock, workspace)
                and all(
                    Path(out["path"]).exists() or repo.cache.local.exists(out["md5"])
                    for out in lock[stage]["outs"]
                )
            }

    def print_summary(self, known: dict[str, dict]) -> None:
        """Print how many experiments are finished and how many runs of each stage are cached."""
        missing = self.missing(known, workspace_lock())
        done = len(self.experiments) - len(missing)
        print(f"{len(self.experiments)} experiments, {done} of them finished", flush=True)
        if not missing and not self.outdated:
            return
        for stage in self.pipeline.commands:
            runs, cached = self.stage_runs(stage), self.cached(stage, known)
            print(f"  {stage}: {len(runs)} runs, {len(cached)} cached", flush=True)

    def waves(self, names: list[str]) -> dict[str, list[Experiment]]:
        """Group the runs that produce the named experiments into waves.

        A wave starts after the waves before it. Shared runs come first: the common stages, then
        each other stage once for each of its shared settings.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        dict
            The runs of each wave; the waves' names are :data:`ONCE`, stages, :data:`EXPERIMENTS`.
        """
        found = {}
        if len(names) > 1:
            if self.common_stages:
                found[ONCE] = [Experiment(f"{SHARED}{ONCE}", (), tuple(self.common_stages))]
            found |= {stage: self.shared_runs(stage, names) for stage in self.pipeline.commands}
        found[EXPERIMENTS] = [experiment(name, self.experiments[name]) for name in names]
        return {wave: runs for wave, runs in found.items() if runs}

    def shared_runs(self, stage: str, names: list[str]) -> list[Experiment]:
        """Runs of a stage that several of the named experiments need; none of a common stage."""
        if stage in self.common_stages:
            return []
        return [
            experiment(f"{SHARED}{run}", self.experiments[users[0]], (stage,))
            for run, users in self.stage_runs(stage).items()
            if len(set(users) & set(names)) > 1
        ]
