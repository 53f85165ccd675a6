"""Base of all sections of ``params.yaml``: reading, validation, one message for each wrong key."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from vocalseg.errors import BadInput

Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A section of ``params.yaml``: unknown keys are errors, instances are immutable.

    ``section`` is the name of the section that holds the fields; an empty name is the top level of
    the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    section: ClassVar[str] = ""

    @field_validator("*", mode="before")
    @classmethod
    def _reject_booleans_as_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and annotation is not bool:
            raise ValueError("input should not be true or false")
        return value

    @classmethod
    def of_file(cls, values: dict, where: str = "params.yaml") -> Self:
        """Validate the fields of this class from the content of the whole file.

        Parameters
        ----------
        values : dict
            Content of ``params.yaml``. Keys that are not fields of this class are ignored because
            the stage ``inputs`` has validated the whole file.
        where : str
            Name of the file, for messages.

        Returns
        -------
        Section
            Instance of this class.

        Raises
        ------
        BadInput
            With one line for each wrong key: the key, its value and the allowed values.
        """
        content = values.get(cls.section) if cls.section else values
        if not isinstance(content, dict):
            raise BadInput(f"{where}: {cls.section}: must be a section with keys; see the README")
        known = {key: content[key] for key in cls.model_fields if key in content}
        return cls.validated(known, where, cls.section)

    @classmethod
    def validated(cls, values: dict, where: str, prefix: str = "") -> Self:
        """Validate ``values``; raise :class:`BadInput` like :meth:`of_file`."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            lines = (_message(cls, dict(entry), where, prefix) for entry in error.errors())
            raise BadInput(*lines) from None


def _message(model: type[BaseModel], error: dict, where: str, prefix: str) -> str:
    """Describe one validation error in one line."""
    key = ".".join(str(part) for part in (prefix, *error["loc"]) if part != "")
    if error["type"] == "extra_forbidden":
        allowed = _fields(model, error["loc"][:-1])
        close = get_close_matches(str(error["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{where}: {key}: unknown key; {hint}allowed here: {', '.join(allowed)}"
    if error["type"] == "missing":
        return f"{where}: {key}: missing; add it"
    message = error["msg"].removeprefix("Value error, ")
    if not key or isinstance(error["input"], BaseModel | dict):
        return f"{where}: {key + ': ' if key else ''}{message}"
    return f"{where}: {key} = {error['input']!r}: {message[0].lower() + message[1:]}"


def _fields(model: Any, location: tuple) -> list[str]:
    """Return the fields of the model at a location within a model."""
    for part in location:
        if hasattr(model, "model_fields"):
            model = model.model_fields[part].annotation
        else:  # a mapping of names to sections
            model = get_args(model)[-1]
    return list(model.model_fields)


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raise :class:`BadInput` if it is missing or not YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; run from the repository's folder") from None
    except Exception as error:  # PyYAML raises ValueError, KeyError and others for odd scalars
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{path}: cannot be read as YAML: {reason}") from None
