"""Section ``normalize`` of ``params.yaml``."""

from typing import ClassVar, Literal

from stages.schema.section import Section


class Normalize(Section):
    """Statistics of a tile: one per frequency bin (``frequency``) or one per frame (``time``)."""

    section: ClassVar = "normalize"

    axis: Literal["time", "frequency"]
    scaler: Literal["minmax", "robust", "max"]
