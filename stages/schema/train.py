"""Section ``train`` of ``params.yaml``."""

from typing import ClassVar, Literal

from pydantic import Field

from stages.schema.section import Section


class Train(Section):
    """How the network is trained; see :func:`vocalseg.training.fit`."""

    section: ClassVar = "train"

    loss: Literal["mae", "mse", "l1_linear", "sdr"]
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    precision: Literal["auto", "float32", "bfloat16"]
    augment_on: Literal["scaled", "magnitudes"] = "scaled"
    last_batch: Literal["drop", "keep"] = "drop"
    schedule: Literal["constant", "cosine"] = "constant"
    optimizer: Literal["adam", "muon"] = "adam"
    ema: float = Field(default=0, ge=0, lt=1)
    select: Literal["val_loss", "val_sdr"] = "val_loss"
