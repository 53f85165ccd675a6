"""Top level of ``params.yaml``."""

from pydantic import Field

from stages.schema.section import Section


class Study(Section):
    """Seed of all random choices except those of the demo's songs."""

    seed: int = Field(ge=0, lt=2**32)
