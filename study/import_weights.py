"""Convert a Keras file of the paper's authors to a model of this package.

python -m study.import_weights FILE

Their networks have the architecture of :func:`vocalseg.unet.build_unet` with two differences, both
of which the conversion removes: convolutions before a batch normalization have biases, and the
decoder puts the upsampled features before those of the skip connection.
"""

import argparse
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stages import fresh, run
from vocalseg import model_file
from vocalseg.compute import compute_settings
from vocalseg.errors import BadInput

#: Settings that are constant in the published code.
INPUT = {"sample_rate": 11025, "frame_size": 1024, "hop": 256, "tile_frames": 128}

#: The weights of one layer.
Layer = list[np.ndarray]


def read(path: Path) -> list[Layer]:
    """Read the weights of a Keras file.

    Parameters
    ----------
    path : Path
        ``.hdf5`` or ``.h5`` of Keras 2 (only weights, or a whole model), ``.keras``, or
        ``.weights.h5`` of Keras 3. No code in the file is executed.

    Returns
    -------
    list of lists of arrays
        The weights of each layer, in the order of the layers.

    Raises
    ------
    BadInput
        If there is no such file, or it is of another format.
    """
    try:
        weights: Path | io.BytesIO = path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                weights = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(weights) as file:
            root = file.get("model_weights", file)
            return _by_name(root) if "layer_names" in root.attrs else _by_number(root)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not a Keras file with weights ({reason})") from None


def _by_name(root: h5py.Group) -> list[Layer]:
    """Read a file of Keras 2, whose attributes list the layers and their arrays."""
    layers = (root[_text(name)] for name in root.attrs["layer_names"])
    arrays = [[layer[_text(name)][()] for name in layer.attrs["weight_names"]] for layer in layers]
    return [layer for layer in arrays if layer]


def _by_number(root: h5py.Group) -> list[Layer]:
    """Read a file of Keras 3, which numbers the layers of a class and the arrays of a layer."""

    def sort_key(name: str) -> tuple[str, int]:
        match = re.fullmatch(r"(.*?)_?(\d*)", name)
        assert match is not None, "the pattern matches every name"
        class_name, number = match.groups()
        return class_name, int(number or 0)

    layers = root["layers" if "layers" in root else "_layer_checkpoint_dependencies"]
    arrays = (layers[name].get("vars", {}) for name in sorted(layers, key=sort_key))
    return [[layer[name][()] for name in sorted(layer, key=int)] for layer in arrays if len(layer)]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def convert(layers: list[Layer]) -> tuple[int, int, list[np.ndarray]]:
    """Convert the weights of the published network to those of our network.

    Parameters
    ----------
    layers : list of lists of arrays
        For a convolution, kernel and optionally bias; for a batch normalization, gamma, beta, mean
        and variance. Only the order within each kind of layer matters.

    Returns
    -------
    filters, depth : int
    weights : list of arrays
        For ``set_weights`` of ``build_unet(…, filters, depth)``. The outputs of both networks are
        equal up to rounding.

    Raises
    ------
    ValueError
        If the network has another architecture. The message names the difference.
    """
    kinds: dict[str, list[Layer]] = {"3x3": [], "2x2": [], "1x1": [], "norm": []}
    for layer in layers:
        kinds[_kind(layer)].append(layer)
    convolutions, ups, norms = kinds["3x3"], kinds["2x2"], kinds["norm"]
    depth = len(ups)
    if not depth or len(convolutions) != 4 * depth + 2 or len(norms) != len(convolutions):
        counts = ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items())
        raise ValueError(f"it has the layers {counts}; a U-Net has 4n + 2, n, 1 and 4n + 2")

    filters = convolutions[0][0].shape[-1]
    weights: list[np.ndarray] = []
    for i, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        kernel, *biases = convolution
        level, second = divmod(i, 2)
        if level > depth and not second:  # first convolution of a decoder block
            weights += ups[level - depth - 1]
            upsampled, skipped = np.split(kernel, 2, axis=2)
            kernel = np.concatenate((skipped, upsampled), axis=2)
        gamma, beta, mean, variance = norm
        weights += [kernel, gamma, beta, mean - sum(biases), variance]
    for kernel, *biases in kinds["1x1"]:
        weights += [kernel.reshape(1, 1, *kernel.shape[-2:]), *biases]
    return filters, depth, weights


def _kind(layer: Layer) -> str:
    shapes = [array.shape for array in layer]
    kernel = shapes[0]
    if len(layer) == 4 and len({*shapes}) == 1 and len(kernel) == 1:
        return "norm"
    if len(layer) in (1, 2) and len(kernel) == 4 and kernel[:2] in ((3, 3), (2, 2), (1, 1)):
        return f"{kernel[0]}x{kernel[1]}"
    if len(layer) in (1, 2) and len(kernel) == 3 and kernel[0] == 1:
        return "1x1"
    raise ValueError(f"a layer has arrays with the shapes {', '.join(map(str, shapes))}")


def load_network(path: Path):
    """Build our network with the weights of a Keras file.

    Parameters
    ----------
    path : Path
        A file as :func:`read` takes it.

    Returns
    -------
    model : keras.Model
    filters, depth : int

    Raises
    ------
    BadInput
        If the file cannot be read, or its network has another architecture.
    """
    layers = read(path)
    from vocalseg.unet import build_unet  # imported lazily: TensorFlow takes seconds

    try:
        filters, depth, weights = convert(layers)
        model = build_unet(INPUT["frame_size"] // 2, INPUT["tile_frames"], filters, depth)
        model.set_weights(weights)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not a network of the published code: {reason}") from None
    if not all(np.isfinite(array).all() for array in weights):
        raise BadInput(f"{path}: some of its weights are not finite numbers")
    return model, filters, depth


def training_settings(path: Path) -> dict[str, str]:
    """Read axis and scaler from the ``args.json`` that the published code writes beside weights.

    Parameters
    ----------
    path : Path
        The file of weights.

    Returns
    -------
    dict
        ``axis`` and ``scaler``; empty if there is no ``args.json``.

    Raises
    ------
    BadInput
        If ``args.json`` is invalid.
    """
    args = path.with_name("args.json")
    try:
        content = json.loads(args.read_text(encoding="utf-8"))
        return {
            "axis": {"frequency": "frequency", "time": "time"}[content["normalization"]],
            "scaler": {True: "robust", False: "max"}[content["quantile_scaler"]],
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{args}: invalid; correct it, or give --axis and --scaler") from None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m study.import_weights",
        description="Convert a Keras file of the paper's authors to a model of this package.",
    )
    add = parser.add_argument
    add("file", type=Path, help=".hdf5 or .keras file that the published code wrote")
    add("--axis", choices=("frequency", "time"), help="axis of the training (default: args.json)")
    add("--scaler", choices=("max", "minmax", "robust"),
        help="scaler of the training (default: args.json; their min/max is max)")  # fmt: skip
    add("-o", "--output", type=Path, default=Path("models/unet.json"), help="default: %(default)s")
    add("--overwrite", action="store_true", help="replace an existing model")
    options = parser.parse_args(arguments)

    if options.output.suffix != ".json":
        raise BadInput(f"{options.output}: the name of the model file must end in .json")
    files = options.output, options.output.with_suffix(".weights.h5")
    for file in files:
        if file.exists() and not options.overwrite:
            raise BadInput(f"{file}: exists already; choose another --output, or add --overwrite")
    given = {key: value for key in ("axis", "scaler") if (value := getattr(options, key))}
    scaling = given if len(given) == 2 else training_settings(options.file) | given
    if len(scaling) < 2:
        raise BadInput(
            f"{options.file}: there is no args.json beside it with the settings of its training; "
            "give --axis and --scaler"
        )
    model, filters, depth = load_network(options.file)
    values: dict[str, Any] = {**INPUT, **scaling, "filters": filters, "depth": depth}
    settings = model_file.Settings(**values)
    fresh(*files)  # removes links, so that writing does not change DVC's cache
    model_file.save(options.output, model, settings, compute_settings("float32"))
    print(
        f"{options.output}: {filters} filters, depth {depth}, axis {settings.axis}, scaler "
        f"{settings.scaler}"
    )


if __name__ == "__main__":
    run(main)
