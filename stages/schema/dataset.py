"""Section ``dataset`` of ``params.yaml``."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from stages.schema.section import Section


class Dataset(Section):
    """The songs: ``name`` of the data set, and ``root``, an existing copy on disk.

    ``seed`` is the seed of the demo's songs. It is separate from the seed of the study so that
    trainings with several seeds are compared on the same songs.
    """

    section: ClassVar = "dataset"

    name: Literal["demo", "musdb18-7s", "musdb18", "musdb18-hq", "folder"]
    root: str | None = None
    seed: int = Field(default=42, ge=0)

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: str | None) -> str | None:
        # A relative path would change its meaning in the temporary folders of experiments.
        if root is not None and not Path(root).is_absolute():
            raise ValueError("must be a full path, beginning with /")
        return root
