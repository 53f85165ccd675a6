"""Section ``augment`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import Field

from stages.schema.section import Fraction, Section


class Augment(Section):
    """Which examples there are, and which of them validate.

    ``originals`` is the number of tiles to work with (null: all that are loud enough); ``splice``
    and ``blackout`` are numbers per original. :func:`vocalseg.examples.make_table` says the rest.
    """

    section: ClassVar = "augment"

    originals: int | None = Field(default=None, ge=1)
    splice: Fraction
    blackout: Fraction
    exact: bool = False
    choose: Literal["random", "first"] = "random"
    across_songs: bool = False
    min_vocal_l1: float = Field(ge=0)
    split: Literal["auto", "song", "official", "example"] = "auto"
    validation: float = Field(gt=0, lt=1)
