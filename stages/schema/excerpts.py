"""Section ``reports`` of ``params.yaml``: the keys that ``eval`` reads."""

from typing import ClassVar

from pydantic import Field

from stages.schema.section import Section


class Excerpts(Section):
    """Excerpts of test songs: their length in seconds."""

    section: ClassVar = "reports"

    seconds: float = Field(default=5, gt=0, le=60)
