"""Section ``stft`` of ``params.yaml``."""

from typing import ClassVar

from pydantic import Field, model_validator

from stages.schema.section import Section


class Stft(Section):
    """Frame size and hop in samples at ``audio.sample_rate``; length of a tile in frames."""

    section: ClassVar = "stft"

    frame_size: int = Field(ge=64, le=8192, multiple_of=2)
    hop: int = Field(ge=16)
    tile_frames: int = Field(ge=16, le=1024, multiple_of=2)

    @model_validator(mode="after")
    def _invertible(self):
        if self.frame_size % self.hop or self.hop > self.frame_size // 4:
            raise ValueError(
                f"hop = {self.hop} must be a divisor of frame_size = {self.frame_size} and at most "
                "a quarter of it"
            )
        return self
