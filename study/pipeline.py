"""Which stages depend on which keys of a matrix, and whether a ``dvc.lock`` is up to date."""

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
    """Change some keys of the parameters.

    Parameters
    ----------
    params : Params
    settings : dict
        New values, as numbers or as text.

    Returns
    -------
    Params

    Raises
    ------
    BadInput
        If a value is invalid.
    """
    try:
        return params.changed(settings)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        values = ", ".join(f"{key} = {value!r}" for key, value in settings.items())
        raise BadInput(f"params.yaml: matrix: {values}: {reason}") from None


class Pipeline:
    """The stages of dvc.yaml in topological order.

    The stage ``inputs`` is not included: it always runs, and other stages depend on the files
    ``inputs/STAGE.json`` that it writes.

    Parameters
    ----------
    repo : Repo
    keys : iterable of str
        Keys of the matrix.

    Attributes
    ----------
    commands : dict
        The command of each stage.
    params : dict
        The parameters, keys or whole sections, that each stage reads.
    ancestors : dict
        The stages on which each stage depends, directly or indirectly.
    keys : dict
        The keys of the matrix on which each stage's result depends.
    """

    def __init__(self, repo: Repo, keys: Iterable[str]):
        graph = repo.index.graph  # an edge leads from a stage to its dependency
        order = [s for s in reversed(list(networkx.topological_sort(graph))) if s.name != "inputs"]
        self.commands = {stage.name: stage.cmd for stage in order}
        self.params = {
            stage.name: {p for d in stage.deps if isinstance(d, ParamsDependency) for p in d.params}
            for stage in order
        }
        self.ancestors = {
            stage.name: {n.name for n in networkx.descendants(graph, stage)} - {"inputs"}
            for stage in order
        }
        self.keys = {
            stage: {
                key
                for key in keys
                for required in {stage, *self.ancestors[stage]}
                if any(_covers(param, key) for param in self.params[required])
            }
            for stage in self.commands
        }

    def is_up_to_date(
        self, stage: str, params: Params, lock: dict, workspace: dict | None
    ) -> bool:
        """Check that a lock file has a stage's result for some parameters and the current code.

        Parameters
        ----------
        stage : str
        params : Params
        lock : dict
            Stages of the experiment's ``dvc.lock``.
        workspace : dict or None
            Stages of the workspace's ``dvc.lock``. Stages that do not depend on any key must be
            equal there. None if these stages ran elsewhere: they are checked like all others.

        Returns
        -------
        bool
        """
        required = {stage, *self.ancestors[stage]}
        return all(self._matches(name, params, lock, workspace) for name in required)

    def _matches(self, stage: str, params: Params, lock: dict, workspace: dict | None) -> bool:
        entry = lock.get(stage)
        if workspace is not None and not self.keys[stage]:
            return entry is not None and entry == workspace.get(stage)
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
    """Whether a parameter of dvc.yaml, which is a key or a whole section, includes a key."""
    return f"{key}.".startswith(f"{param}.")


@cache
def md5(path: str) -> str | None:
    """Compute the MD5 of a file as DVC does; None if there is no such file."""
    file = Path(path)
    if not file.is_file():
        return None
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
