"""Section ``augment`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import Field

from stages.schema.section import Fraction, Section


class Augment(Section):
    """Choice of training and validation examples; see :func:`vocalseg.examples.make_table`.

    ``originals`` is the number of tiles to use (null: all that are loud enough); ``splice`` and
    ``blackout`` are numbers per original.
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
