"""Section ``augment`` of ``params.yaml``."""

from typing import ClassVar

from pydantic import Field

from stages.schema.section import Fraction, Section


class Augment(Section):
    """Splices and blackouts per original tile, the quietest vocals kept, the validation part."""

    section: ClassVar = "augment"

    splice: Fraction
    blackout: Fraction
    min_vocal_l1: float = Field(ge=0)
    validation: float = Field(gt=0, lt=1)
