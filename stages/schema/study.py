"""Top level of ``params.yaml``."""

from pydantic import Field

from stages.schema.section import Section


class Study(Section):
    """The seed of everything random but the demo's songs."""

    seed: int = Field(ge=0, lt=2**32)
