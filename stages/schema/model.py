"""Section ``model`` of ``params.yaml``."""

from typing import ClassVar

from pydantic import Field

from stages.schema.section import Section


class Model(Section):
    """Size of the U-Net: number of filters of its first block, number of poolings."""

    section: ClassVar = "model"

    filters: int = Field(ge=1, le=512)
    depth: int = Field(ge=1, le=7)
