"""Section ``model`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import Field

from stages.schema.section import Section


class Model(Section):
    """The network: architecture, output, filters of the first block, and number of levels.

    ``momentum`` is the momentum of batch normalisation.
    """

    section: ClassVar = "model"

    name: Literal["unet", "strided"] = "unet"
    output: Literal["magnitude", "mask"] = "magnitude"
    targets: Literal["vocals", "both"] = "vocals"
    filters: int = Field(ge=1, le=512)
    depth: int = Field(ge=1, le=7)
    momentum: float = Field(default=0.9, ge=0, lt=1)
