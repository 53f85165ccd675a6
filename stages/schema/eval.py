"""Section ``eval`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import Field

from stages.schema.section import Section


class Eval(Section):
    """How a trained network is applied to whole songs."""

    section: ClassVar = "eval"

    output: Literal["mask", "magnitude"] = "mask"
    overlap: float = Field(default=0.125, ge=0, le=0.5)
    extend: bool = True
