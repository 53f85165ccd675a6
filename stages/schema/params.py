"""Schema of the whole ``params.yaml``, checked by the stage ``inputs`` and the study's commands."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from stages.schema.audio import Audio
from stages.schema.augment import Augment
from stages.schema.dataset import Dataset
from stages.schema.eval import Eval
from stages.schema.excerpts import Excerpts
from stages.schema.mixing import Mixing
from stages.schema.model import Model
from stages.schema.normalize import Normalize
from stages.schema.page import Page
from stages.schema.plan import Plan
from stages.schema.section import Section, read_yaml
from stages.schema.stft import Stft
from stages.schema.study import Study
from stages.schema.train import Train
from vocalseg.errors import BadInput


class Reports(Page, Excerpts):
    """The section ``reports``; each of two stages reads some of its keys."""


StudyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]

#: Sections that list experiments; they are not parameters of an experiment.
PLANS = {"matrix", "studies"}


class AllAugment(Mixing, Augment):
    """The section ``augment``; each of two stages reads some of its keys."""


class Params(Study):
    """The whole ``params.yaml``."""

    dataset: Dataset
    audio: Audio
    stft: Stft
    normalize: Normalize
    augment: AllAugment
    model: Model
    train: Train
    eval: Eval
    reports: Reports
    matrix: dict[str, list[Any]] = Field(default_factory=dict)
    studies: dict[StudyName, Plan] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _tile_size_fits_depth(self):
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
    def _magnitudes_required(self):
        if self.train.augment_on == "magnitudes":
            return self
        defaults = (
            ("model.output", self.model.output, "magnitude"),
            ("model.targets", self.model.targets, "vocals"),
            ("train.select", self.train.select, "val_loss"),
            *((f"augment.{k}", getattr(self.augment, k), f.default)
              for k, f in Mixing.model_fields.items() if k != "level"),
        )  # fmt: skip
        changed = [f"{key} = {value!r}" for key, value, default in defaults if value != default]
        if self.train.loss in ("l1_linear", "sdr"):
            changed.append(f"train.loss = {self.train.loss!r}")
        if changed:
            raise ValueError(
                f"{changed[0]} works on magnitudes or waveforms before scaling and needs "
                "train.augment_on = magnitudes"
            )
        return self

    @model_validator(mode="after")
    def _tempo_excludes_sdr(self):
        if self.augment.tempo and self.train.loss == "sdr":
            raise ValueError(
                "augment.tempo: changes magnitudes but not waveforms, on which train.loss = 'sdr' "
                "is computed; set it to 0, or choose another train.loss"
            )
        return self

    @model_validator(mode="after")
    def _official_validation_songs(self):
        if self.augment.split == "official" and self.dataset.name == "demo":
            raise ValueError(
                "augment.split = 'official': the demo has no official validation songs; use song"
            )
        return self

    @model_validator(mode="after")
    def _matrix_varies_known_keys(self):
        for key, values in self.matrix.items():
            if not values:
                raise ValueError(f"matrix.{key} must be a parameter's key with a list of values")
            self._check_values("matrix", key, values)
        return self

    @model_validator(mode="after")
    def _studies_set_known_keys(self):
        for study, plan in self.studies.items():
            for key, values in plan.values().items():
                self._check_values(f"studies.{study}", key, values)
        return self

    def _check_values(self, where: str, key: str, values: list) -> None:
        section, _, name = key.partition(".")
        owner: Any = getattr(self, section, None) if name else self
        fields = type(owner).model_fields if isinstance(owner, Section) else {}
        if not (name or section == "seed") or (name or section) not in fields:
            raise ValueError(f"{where}.{key} must be a parameter's key with a list of values")
        for value in values:
            try:
                content = owner.model_dump(exclude=PLANS) | {name or section: value}
                type(owner).model_validate(content)
            except ValidationError as error:
                # Errors without a key concern combinations of values; an experiment may set others.
                own = [e["msg"] for e in error.errors() if e["loc"]]
                if own:
                    raise ValueError(f"{where}.{key}: {value!r}: {own[0]}") from None

    def changed(self, settings: dict[str, Any]) -> "Params":
        """Return the parameters of one experiment: other values for some keys, without plans.

        Parameters
        ----------
        settings : dict
            Values by dotted key.

        Returns
        -------
        Params
            Validated parameters.

        Raises
        ------
        pydantic.ValidationError
            If a key or a value is invalid.
        """
        values = self.model_dump(exclude=PLANS)
        for key, value in settings.items():
            section, _, field = key.partition(".")
            if field and isinstance(values.get(section), dict):
                values[section] = values[section] | {field: value}
            else:
                values[key] = value
        return type(self).model_validate(values)


def check(values: Any, where: str = "params.yaml") -> Params:
    """Validate the content of a parameter file.

    Parameters
    ----------
    values : dict
        Content of the YAML file.
    where : str
        Name of the file, for messages.

    Returns
    -------
    Params
        Validated parameters.

    Raises
    ------
    BadInput
        With one line for each wrong key: the key, its value and the allowed values.
    """
    if not isinstance(values, dict):
        raise BadInput(f"{where}: must hold sections ({', '.join(Params.model_fields)})")
    try:
        return Params.validated(values, where)
    except BadInput as error:
        short = (line if len(line) <= 500 else f"{line[:499]}…" for line in error.args)
        raise BadInput(*short) from None
    except ValueError:  # Python does not format integers of more than 4300 digits
        raise BadInput(f"{where}: holds a number with too many digits; correct it") from None


def load(path: str | Path = "params.yaml") -> Params:
    """Read and validate a parameter file; raise :class:`BadInput` like :func:`check`."""
    return check(read_yaml(Path(path)), str(path))


def lookup(values: dict, key: str) -> Any:
    """Return the value of a dotted key, such as ``train.loss``; None if it does not exist."""
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
