"""Schema of a study in ``params.yaml``: the experiments that it consists of."""

import itertools
from typing import Annotated, Any

from pydantic import Field, model_validator

from stages.schema.section import Section

Settings = dict[str, Any]

#: A name with its settings. Rungs are a list because their order matters.
Rung = Annotated[dict[str, Settings], Field(min_length=1, max_length=1)]


class Plan(Section):
    """Experiments of a study: either a ``grid`` of all combinations of values, or ``rungs``.

    Each rung adds its settings to those of the rungs before it; for each name in ``without`` there
    is one more experiment, with all rungs except that one. Each experiment is run with every
    ``seed``.
    """

    grid: dict[str, list[Any]] = Field(default_factory=dict)
    rungs: list[Rung] = Field(default_factory=list)
    without: list[str] = Field(default_factory=list)
    seed: list[int] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_form(self):
        if bool(self.grid) == bool(self.rungs):
            raise ValueError("must have either a grid or rungs")
        names = [name for name, _ in self._rungs()]
        unknown = [name for name in self.without if name not in names]
        if unknown:
            raise ValueError(f"without names no rung: {unknown[0]}")
        if len(set(names)) < len(names):
            raise ValueError("two rungs have the same name")
        return self

    def _rungs(self) -> list[tuple[str, Settings]]:
        return [item for rung in self.rungs for item in rung.items()]

    def values(self) -> dict[str, list]:
        """Return every key that the study sets, with all its values."""
        found: dict[str, list] = {key: list(values) for key, values in self.grid.items()}
        for _, settings in self._rungs():
            for key, value in settings.items():
                found.setdefault(key, []).append(value)
        return found | ({"seed": list(self.seed)} if self.seed else {})

    def steps(self) -> dict[str, Settings]:
        """Return the settings of each step by name: all rungs, then those of ``without``."""
        if self.grid:
            combinations = itertools.product(*self.grid.values())
            every = (dict(zip(self.grid, values, strict=True)) for values in combinations)
            return {"-".join(map(str, settings.values())): settings for settings in every}
        found: dict[str, Settings] = {}
        reached: Settings = {}
        for name, settings in self._rungs():
            reached = reached | settings
            found[name] = reached
        for left_out in self.without:
            rest = [settings for name, settings in self._rungs() if name != left_out]
            found[f"without-{left_out}"] = {k: v for s in rest for k, v in s.items()}
        return found

    def experiments(self, study: str) -> dict[str, tuple[str, Settings]]:
        """Return step and settings of each experiment by name, seed by seed.

        An interrupted study then has all steps with the first seeds.
        """
        steps = self.steps()
        if not self.seed:
            return {f"{study}-{step}": (step, settings) for step, settings in steps.items()}
        return {
            f"{study}-{step}-seed-{seed}": (step, settings | {"seed": seed})
            for seed in self.seed
            for step, settings in steps.items()
        }
