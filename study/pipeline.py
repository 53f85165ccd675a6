"""The stages that each key of a matrix reaches, and whether a ``dvc.lock`` holds their results."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import networkx
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from pydantic import ValidationError

from stages import inputs
from stages.schema.params import Params
from study.naming import Settings
from vocalseg.errors import BadInput


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

    def made(self, stage: str, params: Params, lock: dict, here: dict | None) -> bool:
        """Whether ``lock`` holds a stage's result for these parameters and the code of ``here``.

        Parameters
        ----------
        lock : dict
            Stages of an experiment's ``dvc.lock``.
        here : dict or None
            Stages of the workspace's ``dvc.lock``, where stages that no key reaches were brought
            up to date; None if they ran elsewhere.
        """
        chain = {stage, *self.needs[stage]}
        return all(self._matches(needed, params, lock, here) for needed in chain)

    def _matches(self, stage: str, params: Params, lock: dict, here: dict | None) -> bool:
        entry = lock.get(stage)
        if here is not None and not self.keys[stage]:
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
