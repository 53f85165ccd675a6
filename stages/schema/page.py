"""Section ``reports`` of ``params.yaml``, the part that ``report`` reads."""

from typing import ClassVar

from stages.schema.section import Section


class Page(Section):
    """The page to listen on: sound within it, or in files beside it."""

    section: ClassVar = "reports"

    embed_audio: bool = True
