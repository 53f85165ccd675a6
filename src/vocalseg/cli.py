"""The ``vocalseg`` command: separate any song with a trained model."""

import math
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Annotated

import typer
from tqdm import tqdm

import vocalseg
from vocalseg.console import OneLineGroup
from vocalseg.errors import BadInput, Incomplete, printable
from vocalseg.song_file import check_format, created, opened

STEMS = ("vocals", "accompaniment")
app = typer.Typer(cls=OneLineGroup, add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """File formats of the stems."""

    wav = "wav"
    flac = "flac"
    mp3 = "mp3"


class Precision(StrEnum):
    """Number formats that the network computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    auto = "auto"


class Output(StrEnum):
    """How estimated magnitudes become vocals."""

    mask = "mask"
    magnitude = "magnitude"


@app.callback()
def main():
    """Separate the singing voice from music with a U-Net on spectrograms."""


@app.command()
def separate(
    songs: Annotated[list[Path], typer.Argument(help="Audio files, any format, rate and length.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder.")] = Path("separated"),
    model: Annotated[
        list[Path] | None,
        typer.Option(
            help="The model's JSON file; the last trained one otherwise. Given several times: the "
            "mean of their masks."
        ),
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="Of the stems.")] = Format.wav,
    names: Annotated[
        str, typer.Option(help="Of the files, from {song} and {stem}.")
    ] = "{song}/{stem}",
    overlap: Annotated[
        float, typer.Option(min=0, max=0.5, help="Of neighbouring tiles, cross-faded.")
    ] = 0.125,
    extend: Annotated[
        bool, typer.Option(help="Carry the mask on above the network's band.")
    ] = True,
    reconstruct: Annotated[
        Output,
        typer.Option(
            help="Vocals from a mask on every channel, or from the estimated magnitude with the "
            "mixture's phase (the paper's direct reconstruction, mono)."
        ),
    ] = Output.mask,
    wiener: Annotated[
        int,
        typer.Option(min=0, max=20, help="Iterations of a Wiener filter on songs in stereo."),
    ] = 0,
    precision: Annotated[
        Precision,
        typer.Option(help="Of the network; bfloat16 is faster where the hardware has it (auto)."),
    ] = Precision.float32,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
    partial: Annotated[
        bool, typer.Option(help="Of damaged songs and those cut off, take what is there.")
    ] = False,
):
    """Split songs into vocals and accompaniment, which add up to the song."""
    if wiener and reconstruct == Output.magnitude:
        raise BadInput("--wiener takes a mask; leave out --reconstruct magnitude")
    try:
        targets = plan(songs, output, names, kind, overwrite, partial)
        separator = load(
            model or [last_trained()],
            overlap=overlap,
            extend=extend,
            output=reconstruct,
            wiener=wiener,
            precision=precision,
        )
        for song, paths in targets.items():
            separate_file(separator, song, paths, partial)
    except Incomplete as error:
        raise BadInput(f"{error}, or take what is there with --partial") from None


@app.command("app")
def run_app(
    model: Annotated[
        list[Path] | None,
        typer.Option(help="A model's JSON file, several times for a choice; the last trained one."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; by default this computer alone.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="By default a free one from 7860 on.")] = None,
    megabytes: Annotated[int, typer.Option(min=1, help="Limit of a song's file.")] = 200,
    minutes: Annotated[int, typer.Option(min=1, help="Limit of a song's length.")] = 15,
):
    """Separate songs in a web browser."""
    from vocalseg.app import Limits, serve

    models = {str(path): load([path]).estimator for path in model or [last_trained()]}
    serve(models, host, port, Limits(megabytes, minutes))


def plan(
    songs: list[Path], output: Path, names: str, kind: str, overwrite: bool, partial: bool
) -> dict[Path, dict[str, Path]]:
    """Assign a file to each stem of each song; raise BadInput before anything is written."""
    _check_names(names)
    taken: dict[str, Path] = {}
    targets: dict[Path, dict[str, Path]] = {}
    for song in songs:
        with opened(song, partial=partial) as sound:
            check_format(sound, kind)
        targets[song] = {}
        for stem in STEMS:
            path = output / f"{names.format(song=song.stem, stem=stem)}.{kind}"
            _check_target(path, output, songs, overwrite)
            # some file systems ignore case and Unicode normalisation
            key = unicodedata.normalize("NFC", os.path.realpath(path)).casefold()
            if key in taken:
                raise BadInput(
                    f"{path}: would be written twice, from {taken[key]} and {song}; put {{song}} "
                    "and {stem} into --names, or separate them into two folders"
                )
            taken[key] = song
            targets[song][stem] = path
    return targets


def _check_names(names: str) -> None:
    try:
        fields = [(f, s, c) for _, f, s, c in Formatter().parse(names) if f is not None]
    except ValueError:
        fields = [("", "", None)]
    if not all(f in ("song", "stem") and not s and not c for f, s, c in fields):
        raise BadInput(f"--names {names}: knows {{song}} and {{stem}} only; write no other braces")


def _check_target(path: Path, output: Path, songs: list[Path], overwrite: bool) -> None:
    """Check that a stem may be written to a path."""
    inside = Path(os.path.relpath(path, output))
    if inside.parts[0] == os.pardir or not path.suffix:
        raise BadInput(f"{path}: not a name in the folder {output}; change --names or the song's")
    try:
        str(path).encode()
        path.lstat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be written ({reason}); change --names or -o") from None
    for song in songs:
        if path.exists() and song.exists() and path.samefile(song):
            raise BadInput(f"{path}: is the song {song} itself; choose another folder or --names")
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; choose another folder or --names")
    if not overwrite:
        raise BadInput(f"{path}: is there already; choose another folder, or --overwrite")


def last_trained() -> Path:
    """Return the newest model in the current folder, or else in this repository."""
    for folder in (Path(), Path(vocalseg.__file__).parents[2]):
        models = [*folder.glob("models/unet.json"), *folder.glob("presets/*/unet.json")]
        if models:
            return max(models, key=lambda path: path.stat().st_mtime)
    return Path("models/unet.json")


def load(paths: list[Path], **options) -> "vocalseg.Separator":
    """Load models; suppress TensorFlow's messages about missing GPUs."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced_stderr():  # some messages ignore the level: at import and at the first query
        import tensorflow

        tensorflow.config.list_physical_devices()
    return vocalseg.Separator.load(paths, **options)


@contextmanager
def silenced_stderr() -> Iterator[None]:
    """Discard the process' standard error, including that of C++; exceptions are not affected."""
    try:
        kept = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


def separate_file(
    separator: "vocalseg.Separator", path: Path, targets: dict[str, Path], partial: bool = False
) -> None:
    """Separate one file block by block; report clipped samples and what was not decoded."""
    with opened(path, partial=partial) as song:
        total = None if math.isnan(song.seconds) else round(song.seconds, 1)
        with (
            created(targets, song) as files,
            tqdm(total=total, desc=printable(path.name), unit="s", disable=None) as progress,
        ):
            for pieces in separator.stream(song.blocks, song.sample_rate):
                for name, piece in zip(STEMS, pieces, strict=True):
                    files[name].write(piece)
                progress.update(len(pieces[0]) / song.sample_rate)
    if song.missing:
        typer.echo(song.missing, err=True)
    for stem in files.values():
        if stem.clipped:
            typer.echo(
                printable(
                    f"{stem.path}: {stem.clipped} samples above full scale were clipped, so that "
                    "the stems do not add up to the song there; --format wav keeps them"
                ),
                err=True,
            )
