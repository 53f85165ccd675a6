"""Section ``model`` of ``params.yaml``."""

from typing import ClassVar

from pydantic import Field

from stages.schema.section import Section


class Model(Section):
    """Size of the U-Net (filters of its first block, poolings), momentum of its batch norm."""

    section: ClassVar = "model"

    filters: int = Field(ge=1, le=512)
    depth: int = Field(ge=1, le=7)
    momentum: float = Field(default=0.9, ge=0, lt=1)
