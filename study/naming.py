"""The names of a matrix' experiments, and what `dvc exp run` is told for each."""

import itertools
import re
from dataclasses import dataclass
from typing import Any

import yaml

Settings = dict[str, Any]  # a value for each key of the matrix, or for some of them


@dataclass(frozen=True)
class Experiment:
    """What `dvc exp run` is given: a name, ``-S`` overrides, and stages (none: all)."""

    name: str
    overrides: tuple[str, ...]
    stages: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """Arguments of `dvc exp run`."""
        options = [word for override in self.overrides for word in ("-S", override)]
        return ["--name", self.name, *options, *self.stages]


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
