"""Section ``eval`` of ``params.yaml``."""

from typing import ClassVar

from pydantic import Field

from stages.schema.section import Section


class Eval(Section):
    """How a trained network is applied to whole songs."""

    section: ClassVar = "eval"

    overlap: float = Field(default=0.125, ge=0, le=0.5)
    extend: bool = True
