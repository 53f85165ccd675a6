"""Section ``eval`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from stages.schema.section import Section


class Eval(Section):
    """How a trained network is applied to whole songs."""

    section: ClassVar = "eval"

    output: Literal["mask", "magnitude"] = "mask"
    overlap: float = Field(default=0.125, ge=0, le=0.5)
    extend: bool = True
    wiener: int = Field(default=0, ge=0, le=20)

    @model_validator(mode="after")
    def _wiener_requires_mask(self):
        if self.wiener and self.output == "magnitude":
            raise ValueError("wiener = 1 or more needs a mask; use output = mask, or wiener = 0")
        return self
