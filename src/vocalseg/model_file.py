"""Save and load a trained network: its weights, and the settings that are needed to use them."""

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, PositiveInt, TypeAdapter
from pydantic.dataclasses import dataclass

from vocalseg.compute import ComputeSettings
from vocalseg.errors import BadInput

FORMAT_VERSION = 2


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Settings:
    """Settings that a trained network must be used with; saved beside its weights.

    The fields are those of the sections ``audio``, ``stft``, ``normalize`` and ``model`` of
    ``params.yaml``; ``offset`` and ``scale`` are the statistics of the scaler ``standard``.
    """

    sample_rate: PositiveInt
    frame_size: PositiveInt
    hop: PositiveInt
    tile_frames: PositiveInt
    axis: Literal["time", "frequency"]
    scaler: Literal["minmax", "robust", "max", "log", "standard"]
    filters: PositiveInt
    depth: PositiveInt
    name: Literal["unet", "strided"] = "unet"
    output: Literal["magnitude", "mask"] = "magnitude"
    targets: Literal["vocals", "both"] = "vocals"
    offset: tuple[float, ...] = ()  # one per bin, only for the scaler `standard`
    scale: tuple[float, ...] = ()

    @property
    def bins(self) -> int:
        """Number of frequency bins of a tile."""
        return self.frame_size // 2


def save(path: str | Path, model, settings: Settings, trained: ComputeSettings) -> None:
    """Write a trained network: ``path`` (JSON) and, beside it, its ``.weights.h5``.

    The JSON holds what :meth:`Separator.load` needs, a checksum of it and the weights, and the
    compute settings of the training, which explain why weights of two machines may differ.

    Parameters
    ----------
    path : path
        JSON file to write; its folder is created.
    model : keras.Model
        The trained network.
    settings : Settings
        Settings of the network.
    trained : ComputeSettings
        How the training computed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = path.with_suffix(".weights.h5")
    model.save_weights(weights)
    content = {
        "format": FORMAT_VERSION,
        **_non_default(settings),
        "trained": asdict(trained),
        "weights": weights.name,
        "sha256": _sha256(settings, trained, weights),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load(path: Path) -> tuple[Settings, Path]:
    """Read a model's settings and verify the checksum of its weights.

    Parameters
    ----------
    path : Path
        JSON file that :func:`save` wrote.

    Returns
    -------
    settings : Settings
        Settings of the network.
    weights : Path
        The weights' file beside ``path``.

    Raises
    ------
    BadInput
        If a file is missing, damaged, or of another version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.pop("format")
        weights = path.with_name(content.pop("weights"))
        checksum = content.pop("sha256")
        settings = None
        if version == FORMAT_VERSION:
            trained = TypeAdapter(ComputeSettings).validate_python(content.pop("trained"))
            settings = Settings(**content)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such model; train one with `dvc repro train`") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); name a model's JSON") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput(f"{path}: not a model of this program, or damaged; train it again") from None
    if settings is None:
        raise BadInput(
            f"{path}: format {version}, but this version reads {FORMAT_VERSION}; train it again"
        )
    try:
        found = _sha256(settings, trained, weights)
    except FileNotFoundError:
        raise BadInput(
            f"{weights}: missing beside {path.name}; `dvc checkout` brings it back"
        ) from None
    except OSError as error:
        raise BadInput(f"{weights}: cannot be read ({error.strerror})") from None
    if found != checksum:
        raise BadInput(f"{weights}: damaged, or not the weights of {path.name}; `dvc checkout`")
    return settings, weights


def _non_default(settings: Settings) -> dict:
    """Return settings that differ from defaults, so that new ones do not change checksums."""
    defaults = {field.name: field.default for field in fields(Settings)}
    return {k: v for k, v in asdict(settings).items() if v != defaults[k]}


def _sha256(settings: Settings, trained: ComputeSettings, weights: Path) -> str:
    digest = hashlib.sha256(json.dumps([_non_default(settings), asdict(trained)]).encode())
    digest.update(weights.read_bytes())
    return digest.hexdigest()
