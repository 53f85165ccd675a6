"""The schema of ``params.yaml``: one class for each section, checked before any work starts."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vocalseg.errors import BadInput

Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """Unknown keys and values that are not numbers are errors; nothing is changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("input should not be true or false")
        return value


class Dataset(Section):
    """Which songs: ``name`` says where they come from, ``root`` points at a copy on disk.

    ``seed`` draws the demo's songs; it is apart from the study's seed, so that trainings from
    several seeds are compared on the same songs.
    """

    name: Literal["demo", "musdb18-7s", "musdb18", "musdb18-hq", "folder"]
    root: str | None = None
    seed: int = Field(default=42, ge=0)

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: str | None) -> str | None:
        # Experiments run in other folders, and DVC, which watches it, knows no home folder.
        if root is not None and not Path(root).is_absolute():
            raise ValueError("must be a full path, beginning with /")
        return root


class Audio(Section):
    """The rate (Hz) the network works at: a whole part of 44,100, so that both grids share bins."""

    sample_rate: Literal[7350, 8820, 11025, 14700, 22050, 44100]


class Stft(Section):
    """Frame and hop in samples at ``audio.sample_rate``; tile in frames."""

    frame_size: int = Field(ge=64, le=8192, multiple_of=2)
    hop: int = Field(ge=16)
    tile_frames: int = Field(ge=16, le=1024, multiple_of=2)

    @model_validator(mode="after")
    def _invertible(self):
        if self.frame_size % self.hop or self.hop > self.frame_size // 4:
            raise ValueError(
                f"hop = {self.hop} must divide frame_size = {self.frame_size}, at least by four"
            )
        return self


class Normalize(Section):
    """Statistics of a tile: one for each frequency bin, or one for each frame (``time``)."""

    axis: Literal["time", "frequency"]
    scaler: Literal["minmax", "robust", "max"]


class Augment(Section):
    """Splices and blackouts per original tile, the quietest vocals kept, the part held out."""

    splice: Fraction
    blackout: Fraction
    min_vocal_l1: float = Field(ge=0)
    validation: float = Field(gt=0, lt=1)


class Model(Section):
    """Size of the U-Net: filters of its first block, number of poolings."""

    filters: int = Field(ge=1, le=512)
    depth: int = Field(ge=1, le=7)


class Train(Section):
    """How the network is fitted."""

    loss: Literal["mae", "mse"]
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    precision: Literal["auto", "float32", "bfloat16"]


class Eval(Section):
    """How a trained network is applied to whole songs."""

    overlap: float = Field(default=0.125, ge=0, le=0.5)
    extend: bool = True


class Reports(Section):
    """The page to listen on: sound within it or in files beside it, seconds of each song."""

    embed_audio: bool = True
    seconds: float = Field(default=5, gt=0, le=60)


class Params(Section):
    """All of ``params.yaml``."""

    seed: int = Field(ge=0, lt=2**32)
    dataset: Dataset
    audio: Audio
    stft: Stft
    normalize: Normalize
    augment: Augment
    model: Model
    train: Train
    eval: Eval
    reports: Reports
    matrix: dict[str, list[Any]] = {}

    @model_validator(mode="after")
    def _poolable(self):
        step = 2**self.model.depth
        for key, size in (
            ("stft.frame_size / 2", self.stft.frame_size // 2),
            ("stft.tile_frames", self.stft.tile_frames),
        ):
            if size % step:
                raise ValueError(
                    f"{key} = {size} must be a multiple of 2^model.depth = {step}; "
                    "change it or model.depth"
                )
        return self

    @model_validator(mode="after")
    def _matrix_varies_known_keys(self):
        for key, values in self.matrix.items():
            section, _, name = key.partition(".")
            owner = getattr(self, section, None) if name else self
            known = isinstance(owner, Section) and (name or section == "seed")
            if not known or (name or section) not in type(owner).model_fields or not values:
                raise ValueError(f"matrix.{key} must be a parameter's key with a list of values")
            for value in values:
                try:
                    content = owner.model_dump(exclude={"matrix"}) | {name or section: value}
                    type(owner).model_validate(content)
                except ValidationError as error:
                    reason = error.errors()[0]["msg"]
                    raise ValueError(f"matrix.{key}: {value!r}: {reason}") from None
        return self


def check(values: Any, where: str = "params.yaml") -> Params:
    """Hold ``values`` (what a YAML file held) against the schema.

    Parameters
    ----------
    values : dict
        The file's content.
    where : str
        The file's name, for messages.

    Raises
    ------
    BadInput
        One line for each wrong key: the key, its value and what is allowed.
    """
    if not isinstance(values, dict):
        raise BadInput(f"{where}: must hold sections ({', '.join(Params.model_fields)})")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise BadInput(*(_line(e, where) for e in error.errors())) from None


def load(path: str | Path = "params.yaml") -> Params:
    """Read and check a parameter file; raises :class:`BadInput` as :func:`check` does."""
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; run from the repository's folder") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: cannot be read as YAML: {reason}") from None
    return check(values, str(path))


def _line(error: dict, where: str) -> str:
    """One pydantic error as one line for people."""
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        allowed = _fields(error["loc"][:-1])
        close = get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{where}: {key}: unknown key; {hint}allowed here: {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{where}: {key}: missing; add it"
    message = error["msg"].removeprefix("Value error, ")
    if not key or isinstance(error["input"], BaseModel | dict):
        return f"{where}: {key + ': ' if key else ''}{message}"
    return f"{where}: {key} = {error['input']!r}: {message[0].lower() + message[1:]}"


def _fields(location: tuple) -> list[str]:
    model = Params
    for part in location:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
