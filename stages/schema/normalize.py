"""Section ``normalize`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import model_validator

from stages.schema.section import Section


class Normalize(Section):
    """Statistics of a tile: one per frequency bin (``frequency``) or one per frame (``time``)."""

    section: ClassVar = "normalize"

    axis: Literal["time", "frequency"]
    scaler: Literal["minmax", "robust", "max", "log", "standard"]

    @model_validator(mode="after")
    def _standard_has_a_statistic_per_bin(self):
        if self.scaler == "standard" and self.axis == "time":
            raise ValueError("scaler = 'standard' has one statistic per bin; use axis = frequency")
        return self
