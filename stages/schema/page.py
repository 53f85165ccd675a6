"""Section ``reports`` of ``params.yaml``: the keys that ``report`` reads."""

from typing import ClassVar

from stages.schema.section import Section


class Page(Section):
    """The listening page: sound embedded, or in files beside it."""

    section: ClassVar = "reports"

    embed_audio: bool = True
