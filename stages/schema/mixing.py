"""Section ``augment`` of ``params.yaml``: the keys that ``train`` reads."""

from typing import ClassVar, Literal

from pydantic import Field

from stages.schema.section import Fraction, Section


class Mixing(Section):
    """Augmentation that changes in each epoch; see :class:`vocalseg.mixing.MixingOptions`."""

    section: ClassVar = "augment"

    remix: Fraction = 0
    gain: float = Field(default=0, ge=0, le=40)
    crop: Literal["grid", "random"] = "grid"
    pitch: float = Field(default=0, ge=0, le=12)
    tempo: float = Field(default=0, ge=0, le=0.5)
    tones: Fraction = 0
    noise: Fraction = 0
    level: float = Field(default=-20, ge=-80, le=20)
