"""Turn a Keras file of the paper's authors into a model of this program.

python -m study.import_weights FILE

Their networks have the shape of :func:`vocalseg.unet.build_unet` with two differences, both of
which can be undone: the convolutions before a batch normalisation have biases, and the decoder
concatenates the upsampled features before those of the skip connection.
"""

import argparse
import io
import json
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np

from stages import fresh, run
from vocalseg import model_file
from vocalseg.compute import compute_settings
from vocalseg.errors import BadInput

#: What the published code trains on, whatever the other settings are.
INPUT = {"sample_rate": 11025, "frame_size": 1024, "hop": 256, "tile_frames": 128}

#: The arrays of one layer.
Layer = list[np.ndarray]


def read(path: Path) -> list[Layer]:
    """The weights of a Keras file, layer by layer, in the order of the layers.

    Parameters
    ----------
    path : Path
        ``.hdf5`` or ``.h5`` of Keras 2 (weights alone, or a whole model), ``.keras``, or
        ``.weights.h5`` of Keras 3. The file is only read: no code in it is run.

    Raises
    ------
    BadInput
        If the file is not there or is none of these.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                weights = io.BytesIO(archive.read("model.weights.h5"))
        else:
            weights = path
        with h5py.File(weights) as file:
            root = file.get("model_weights", file)
            return _by_name(root) if "layer_names" in root.attrs else _by_number(root)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not a Keras file with weights ({reason})") from None


def _by_name(root: h5py.Group) -> list[Layer]:
    """Keras 2: attributes list the layers, and the arrays of each."""
    layers = (root[_text(name)] for name in root.attrs["layer_names"])
    arrays = [[layer[_text(name)][()] for name in layer.attrs["weight_names"]] for layer in layers]
    return [layer for layer in arrays if layer]


def _by_number(root: h5py.Group) -> list[Layer]:
    """Keras 3: layers of a class are numbered, and so are the arrays of each."""

    def place(name: str) -> tuple[str, int]:
        head, number = re.fullmatch(r"(.*?)_?(\d*)", name).groups()
        return head, int(number or 0)

    layers = root["layers" if "layers" in root else "_layer_checkpoint_dependencies"]
    arrays = (layers[name].get("vars", {}) for name in sorted(layers, key=place))
    return [[layer[name][()] for name in sorted(layer, key=int)] for layer in arrays if len(layer)]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def convert(layers: list[Layer]) -> tuple[int, int, list[np.ndarray]]:
    """Weights of the published network to those of ours.

    Parameters
    ----------
    layers : list of lists of arrays
        Of convolutions: kernel and, maybe, bias. Of batch normalisations: gamma, beta, mean and
        variance. Only the order within each kind matters.

    Returns
    -------
    filters, depth : int
    weights : list of arrays
        For ``set_weights`` of ``build_unet(…, filters, depth)``; both networks give the same to
        rounding.

    Raises
    ------
    ValueError
        If the layers are not those of such a network. The message says where they differ.
    """
    kinds: dict[str, list[Layer]] = {"3x3": [], "2x2": [], "1x1": [], "norm": []}
    for layer in layers:
        kinds[_kind(layer)].append(layer)
    convolutions, ups, norms = kinds["3x3"], kinds["2x2"], kinds["norm"]
    depth = len(ups)
    if not depth or len(convolutions) != 4 * depth + 2 or len(norms) != len(convolutions):
        counts = ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items())
        raise ValueError(f"its layers are {counts}, but a U-Net has 4n + 2, n, 1 and 4n + 2")

    filters = convolutions[0][0].shape[-1]
    weights = []
    for i, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        kernel, bias = convolution[0], convolution[1] if len(convolution) > 1 else 0
        level, second = divmod(i, 2)
        if level > depth and not second:  # a decoder's block begins: upsampling and skip connection
            weights += ups[level - depth - 1]
            upsampled, skipped = np.split(kernel, 2, axis=2)
            kernel = np.concatenate((skipped, upsampled), axis=2)
        gamma, beta, mean, variance = norm
        weights += [kernel, gamma, beta, mean - bias, variance]
    for kernel, *bias in kinds["1x1"]:
        weights += [kernel.reshape(1, 1, *kernel.shape[-2:]), *bias]
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
    raise ValueError(f"one of its layers has arrays of the shapes {', '.join(map(str, shapes))}")


def network(path: Path):
    """Our network with the weights of a Keras file.

    Returns
    -------
    model : keras.Model
    filters, depth : int

    Raises
    ------
    BadInput
        If the file cannot be read, or its network has another shape.
    """
    layers = read(path)
    from vocalseg.unet import build_unet  # TensorFlow takes seconds: other errors come first

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


def settings_beside(path: Path) -> dict[str, str]:
    """Axis and scaler from the ``args.json`` that the published code writes beside its weights."""
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
        raise BadInput(f"{args}: damaged; correct it, or give --axis and --scaler") from None


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m study.import_weights",
        description="Turn a Keras file of the paper's authors into a model of this program.",
    )
    add = parser.add_argument
    add("file", type=Path, help=".hdf5 or .keras, as the published code writes it")
    add("--axis", choices=("frequency", "time"), help="it was trained with; else from args.json")
    add("--scaler", choices=("max", "minmax", "robust"), help="the same; their min/max is max")
    add("-o", "--output", type=Path, default=Path("models/unet.json"), help="default: %(default)s")
    add("--overwrite", action="store_true", help="replace a model that is there")
    options = parser.parse_args(arguments)

    if options.output.suffix != ".json":
        raise BadInput(f"{options.output}: the model's file must end in .json")
    files = options.output, options.output.with_suffix(".weights.h5")
    for file in files:
        if file.exists() and not options.overwrite:
            raise BadInput(f"{file}: is there already; choose another --output, or --overwrite")
    given = {key: value for key in ("axis", "scaler") if (value := getattr(options, key))}
    known = given if len(given) == 2 else settings_beside(options.file) | given
    if len(known) < 2:
        raise BadInput(
            f"{options.file}: no args.json beside it says how its network was trained; give --axis "
            "and --scaler"
        )
    model, filters, depth = network(options.file)
    settings = model_file.Settings(**INPUT, **known, filters=filters, depth=depth)
    fresh(*files)  # never through a link into DVC's cache
    model_file.save(options.output, model, settings, compute_settings("float32"))
    print(
        f"{options.output}: {filters} filters, depth {depth}, axis {settings.axis}, scaler "
        f"{settings.scaler}"
    )


if __name__ == "__main__":
    run(main)
