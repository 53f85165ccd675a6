"""Section ``audio`` of ``params.yaml``."""

from typing import ClassVar, Literal

from stages.schema.section import Section


class Audio(Section):
    """Sample rate of the network in Hz, a divisor of 44,100 so that both STFTs share their bins."""

    section: ClassVar = "audio"

    sample_rate: Literal[7350, 8820, 11025, 14700, 22050, 44100]
