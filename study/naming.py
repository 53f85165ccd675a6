"""Name the experiments of a matrix and build their arguments of `dvc exp run`."""

import itertools
import re
from dataclasses import dataclass
from typing import Any

import yaml

Settings = dict[str, Any]  # values of some or all keys of a matrix


@dataclass(frozen=True)
class Experiment:
    """An experiment as `dvc exp run` takes it.

    Attributes
    ----------
    name : str
    overrides : tuple of str
        Values of the option ``-S``, such as ``train.loss=mse``.
    stages : tuple of str
        Stages to run; empty for all.
    """

    name: str
    overrides: tuple[str, ...]
    stages: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """Command-line arguments of `dvc exp run`."""
        options = [word for override in self.overrides for word in ("-S", override)]
        return ["--name", self.name, *options, *self.stages]


def combinations(matrix: dict[str, list]) -> list[Settings]:
    """List every combination of the values of a matrix.

    Parameters
    ----------
    matrix : dict
        A list of values for each key.

    Returns
    -------
    list of dict
        The value of the last key changes fastest.

    Examples
    --------
    >>> combinations({"seed": [1, 2]})
    [{'seed': 1}, {'seed': 2}]
    """
    products = itertools.product(*matrix.values())
    return [dict(zip(matrix, values, strict=True)) for values in products]


def experiment_name(settings: Settings) -> str:
    """Build a descriptive name; values that are not text are preceded by their key.

    Examples
    --------
    >>> experiment_name({"normalize.axis": "time", "train.loss": "mae", "seed": 3})
    'time-mae-seed-3'
    """
    words = [
        value if isinstance(value, str) else f"{key.rpartition('.')[2]}-{as_text(value)}"
        for key, value in settings.items()
    ]
    return re.sub(r"[^\w.-]+", "_", "-".join(words))


def as_text(value: Any) -> str:
    """Format a value so that `dvc exp run -S` reads it back."""
    return str(value) if isinstance(value, str | float) else yaml.safe_dump(value).split("\n")[0]


def experiment(name: str, settings: Settings, stages: tuple[str, ...] = ()) -> Experiment:
    """Create an experiment that overrides each key of ``settings``."""
    overrides = tuple(f"{key}={as_text(value)}" for key, value in settings.items())
    return Experiment(name, overrides, stages)
