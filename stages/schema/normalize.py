"""Section ``normalize`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import model_validator

from stages.schema.section import Section


class Normalize(Section):
    """Scaling statistics of a tile, per frequency bin (``frequency``) or per frame (``time``)."""

    section: ClassVar = "normalize"

    axis: Literal["time", "frequency"]
    scaler: Literal["minmax", "robust", "max", "log", "standard"]

    @model_validator(mode="after")
    def _standard_requires_frequency(self):
        if self.scaler == "standard" and self.axis == "time":
            raise ValueError("scaler = 'standard' has one statistic per bin; use axis = frequency")
        return self
