"""All experiments of `matrix`, or of a study, in params.yaml: each stage once for its settings.

    python -m study.matrix [--study NAME] [--jobs 2] [--dry-run]

1. Stages that no key of the matrix touches run in the workspace (`dvc repro`).
2. Stages that several experiments share (`normalize`, for two losses) run once for each of their
   settings, as experiments of their own that are removed again: two workers would both compute
   them.
3. The experiments go through DVC's queue; what they share comes from its run-cache.

What is there already, made by the same code and parameters, is not run again; of a study that is
also what its table holds, `metrics/STUDY.csv` (see :mod:`study.records`).
"""

import argparse
import fcntl
import hashlib
import itertools
import math
import os
import re
import signal
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import networkx
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from pydantic import ValidationError

from stages import inputs
from stages.schema.params import Params, load, lookup
from study import compare
from study.command import run
from study.queue import Experiment, dvc, require_queue, stop, work
from study.records import Records
from study.repository import lock_here, locks, require_repository
from vocalseg.errors import BadInput

Settings = dict[str, Any]  # a value for each key of the matrix, or for some of them
SHARED = "shared-"  # how names of step 2 begin
TAIL = 15  # lines of a failed experiment's log


def combinations(matrix: dict[str, list]) -> list[Settings]:
    """Every combination of the values; the last key's changes fastest."""
    every = itertools.product(*matrix.values())
    return [dict(zip(matrix, values, strict=True)) for values in every]


def name_of(settings: Settings) -> str:
    """A telling name: choices by themselves (``frequency-minmax-mae``), numbers with their key."""
    words = [
        value if isinstance(value, str) else f"{key.rpartition('.')[2]}-{literal(value)}"
        for key, value in settings.items()
    ]
    return re.sub(r"[^\w.-]+", "_", "-".join(words))


def literal(value: Any) -> str:
    """A value as `dvc exp run -S` reads it."""
    return str(value) if isinstance(value, str | float) else yaml.safe_dump(value).split("\n")[0]


def experiment(name: str, settings: Settings, stages: tuple[str, ...] = ()) -> Experiment:
    """An experiment that sets each key of ``settings``."""
    overrides = tuple(f"{key}={literal(value)}" for key, value in settings.items())
    return Experiment(name, overrides, stages)


def with_settings(params: Params, settings: Settings) -> Params:
    """``params`` of one experiment, with other values of some keys, as text or as numbers."""
    try:
        return params.changed(settings)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        told = ", ".join(f"{key} = {value!r}" for key, value in settings.items())
        raise BadInput(f"params.yaml: matrix: {told}: {reason}") from None


class Pipeline:
    """The stages of dvc.yaml, in the order of the data: which keys reach them, what made them.

    The stage ``inputs`` is not among them: it always runs, and what depends on it says so in
    ``inputs/STAGE.json``.
    """

    def __init__(self, repo: Repo, keys: Iterable[str]):
        graph = repo.index.graph  # an edge leads from a stage to one that it needs
        order = [s for s in reversed(list(networkx.topological_sort(graph))) if s.name != "inputs"]
        self.commands = {stage.name: stage.cmd for stage in order}
        self.params = {
            stage.name: {p for d in stage.deps if isinstance(d, ParamsDependency) for p in d.params}
            for stage in order
        }
        self.needs = {
            stage.name: {n.name for n in networkx.descendants(graph, stage)} - {"inputs"}
            for stage in order
        }
        self.keys = {
            stage: {
                key
                for key in keys
                for needed in {stage, *self.needs[stage]}
                if any(_covers(param, key) for param in self.params[needed])
            }
            for stage in self.commands
        }

    def made(self, stage: str, params: Params, lock: dict, here: dict) -> bool:
        """Whether ``lock`` holds a stage's result for these parameters and the code of ``here``.

        Parameters
        ----------
        lock, here : dict
            Stages of an experiment's ``dvc.lock`` and of the workspace's.
        """
        chain = {stage, *self.needs[stage]}
        return all(self._matches(needed, params, lock, here) for needed in chain)

    def _matches(self, stage: str, params: Params, lock: dict, here: dict) -> bool:
        entry = lock.get(stage)
        if not self.keys[stage]:  # brought up to date in the workspace first
            return entry is not None and entry == here.get(stage)
        if entry is None or entry["cmd"] != self.commands[stage]:
            return False
        used = entry.get("params", {}).get("params.yaml", {})
        code = [dep for dep in entry["deps"] if Path(dep["path"]).parent == inputs.OUT]
        return (
            used.keys() == self.params[stage]
            and with_settings(params, used) == with_settings(params, {})
            and all(md5(dep["path"]) == dep["md5"] for dep in code)
        )


def _covers(param: str, key: str) -> bool:
    """Whether a parameter of dvc.yaml, a key or a whole section, holds a key."""
    return f"{key}.".startswith(f"{param}.")


@cache
def md5(path: str) -> str | None:
    """As DVC writes it; None where there is no such file."""
    file = Path(path)
    if not file.is_file():
        return None
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other matrix works in this folder; a process that dies lets go of it."""
    path = Path(".dvc", "tmp", "matrix.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another matrix runs in this folder; waiting for it to end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def experiments_of(params: Params) -> dict[str, Settings]:
    """The experiments of `matrix`, by name."""
    if not params.matrix:
        raise BadInput("params.yaml: matrix: is empty; give it keys with lists of values")
    found = {name_of(s): s for s in combinations(params.matrix)}
    if len(found) < math.prod(map(len, params.matrix.values())):
        raise BadInput("params.yaml: matrix: two experiments would have the same name")
    return found


class Matrix:
    """The experiments of params.yaml, and which of them exist."""

    def __init__(
        self, params: Params, experiments: dict[str, Settings], kept: Collection[str] = ()
    ):
        """Experiments by name; ``kept`` are those whose results are known already."""
        keys = list(dict.fromkeys(key for settings in experiments.values() for key in settings))
        usual = {key: lookup(params.model_dump(), key) for key in keys}
        self.experiments = {name: usual | settings for name, settings in experiments.items()}
        self.params = {n: with_settings(params, s) for n, s in self.experiments.items()}
        self.kept = set(kept)
        with Repo() as repo:
            self.pipeline = Pipeline(repo, keys)
            self.once = [stage for stage, keys in self.pipeline.keys.items() if not keys]
            with repo.lock:
                stages = [stage for stage in repo.index.stages if stage.name in self.once]
                self.outdated = {stage.name for stage in stages if stage.status()}

    def units(self, stage: str) -> dict[str, list[str]]:
        """The runs of a stage: a name for each of its settings, and the experiments with them."""
        found: dict[str, list[str]] = {}
        for name, settings in self.experiments.items():
            reached = {k: v for k, v in settings.items() if k in self.pipeline.keys[stage]}
            found.setdefault("-".join([stage, *filter(None, [name_of(reached)])]), []).append(name)
        return found

    def missing(self, known: dict[str, dict]) -> list[str]:
        """Experiments that are not in ``known``, or not by this code and these settings there.

        Parameters
        ----------
        known : dict
            Of :func:`study.repository.locks`.
        """
        here = lock_here()
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
        missing = self.missing(known)
        done = len(self.experiments) - len(missing)
        print(f"{len(self.experiments)} experiments, {done} of them finished", flush=True)
        if not missing and not self.outdated:
            return
        for stage in self.pipeline.commands:
            units, cached = self.units(stage), self.cached(stage, known)
            print(f"  {stage}: {len(units)} runs, {len(cached)} cached", flush=True)

    def prepare(self, stage: str, names: list[str]) -> list[Experiment]:
        """Runs of a stage that several of the named experiments would compute."""
        cached = self.cached(stage, locks())
        return [
            experiment(f"{SHARED}{unit}", self.experiments[users[0]], (stage,))
            for unit, users in self.units(stage).items()
            if unit not in cached and len(set(users) & set(names)) > 1
        ]


def run_missing(matrix: Matrix, jobs: int) -> dict[str, list[str]]:
    """Run what is missing; return the names of what failed, with what it printed."""
    known = locks()
    leftovers = [name for name in known if name.startswith(SHARED)]
    if leftovers:
        dvc("exp", "remove", "--quiet", *leftovers)
    if matrix.outdated:
        dvc("repro", *matrix.once)
    names = matrix.missing(known)
    if not names:
        return {}
    require_queue()
    if jobs > 1:
        for stage in matrix.pipeline.commands:
            if shared := matrix.prepare(stage, names):
                failed = work(shared, jobs)
                made = [e.name for e in shared if e.name not in failed]
                if made:
                    dvc("exp", "remove", "--quiet", *made)
    outdated = [name for name in names if name in known]
    if outdated:
        print(f"made by other code or parameters, replaced: {', '.join(outdated)}", flush=True)
        dvc("exp", "remove", "--quiet", *outdated)
    logs = work([experiment(name, matrix.experiments[name]) for name in names], jobs)
    return {name: logs.get(name, []) for name in matrix.missing(locks())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", metavar="NAME", help="of `studies`; by default, `matrix`")
    parser.add_argument("--jobs", type=int, default=2, help="experiments at a time")
    parser.add_argument("--dry-run", action="store_true", help="only say what would run")
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        raise BadInput(f"--jobs {arguments.jobs}: must be at least 1")
    require_repository()
    # DVC's workers look for `dvc`, stages for `python`: this environment's, also if not activated.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for ending in (signal.SIGINT, signal.SIGTERM):  # a background job has the first switched off
        signal.signal(ending, signal.default_int_handler)
    failed = {}
    with alone():
        inputs.main()  # what has changed is seen before anything runs
        params = load()
        records = Records(params, arguments.study) if arguments.study else None
        if records:
            matrix = Matrix(params, records.experiments, records.kept())
        else:
            matrix = Matrix(params, experiments_of(params))
        matrix.show(locks())
        if arguments.dry_run:
            return
        try:
            failed = run_missing(matrix, arguments.jobs)
        except KeyboardInterrupt:
            sys.exit("interrupted; the same command resumes from here")
        finally:
            stop()
            if records:
                records.collect(matrix)
    for name, log in failed.items():
        print(f"\n{name} failed:", *log[-TAIL:], sep="\n  ", file=sys.stderr)
    if failed:
        sys.exit(
            f"\n{len(failed)} of {len(matrix.experiments)} experiments failed: "
            f"{', '.join(failed)}; fix the cause and run the same command again"
        )
    if records:
        from study import ladder  # imports TensorFlow, which takes seconds

        ladder.main([arguments.study])
    else:
        compare.main([])


if __name__ == "__main__":
    run(main)
