"""Section ``reports`` of ``params.yaml``, the part that ``eval`` reads."""

from typing import ClassVar

from pydantic import Field

from stages.schema.section import Section


class Excerpts(Section):
    """What is kept of each test song to be heard: ``seconds``."""

    section: ClassVar = "reports"

    seconds: float = Field(default=5, gt=0, le=60)
