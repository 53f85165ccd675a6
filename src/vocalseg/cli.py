"""The ``vocalseg`` command: separate any song with a trained model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

import vocalseg
from vocalseg.errors import BadInput
from vocalseg.song_file import created, opened

STEMS = ("vocals", "accompaniment")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


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
    """Singing voice out of music, with a U-Net on spectrograms."""


@app.command()
def separate(
    songs: Annotated[list[Path], typer.Argument(help="Audio files, any format, rate and length.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder.")] = Path("separated"),
    model: Annotated[
        Path | None, typer.Option(help="The model's JSON file; the last trained one otherwise.")
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
    precision: Annotated[
        Precision,
        typer.Option(help="Of the network; bfloat16 is faster where the hardware has it (auto)."),
    ] = Precision.float32,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
):
    """Split songs into vocals and accompaniment, which add up to the song."""
    try:
        targets = plan(songs, output, names, kind, overwrite)
        separator = load(
            model, overlap=overlap, extend=extend, output=reconstruct, precision=precision
        )
        for song, paths in targets.items():
            separate_file(separator, song, paths)
    except BadInput as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def plan(
    songs: list[Path], output: Path, names: str, kind: str, overwrite: bool
) -> dict[Path, dict[str, Path]]:
    """Which stem of which song goes to which file; raises BadInput before anything is done."""
    taken: dict[Path, Path] = {}
    targets: dict[Path, dict[str, Path]] = {}
    for song in songs:
        with opened(song):
            pass
        targets[song] = {}
        for stem in STEMS:
            try:
                path = output / f"{names.format(song=song.stem, stem=stem)}.{kind}"
            except (KeyError, IndexError, ValueError):
                raise BadInput(f"--names {names}: knows {{song}} and {{stem}} only") from None
            if path in taken:
                raise BadInput(
                    f"{path}: would be written twice, from {taken[path]} and {song}; put {{song}} "
                    "and {stem} into --names, or separate them into two folders"
                )
            if path.exists() and not overwrite:
                raise BadInput(f"{path}: is there already; choose another folder, or --overwrite")
            taken[path] = song
            targets[song][stem] = path
    return targets


def load(path: Path | None, **options) -> "vocalseg.Separator":
    """Load a model: the one named, or that of the folder one is in, or of this repository."""
    if path is None:
        here = Path("models/unet.json")
        path = here if here.exists() else Path(vocalseg.__file__).parents[2] / here
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # notes about missing GPUs are no errors
    with silenced_stderr():  # some of them come whatever the level: at import, and at first sight
        import tensorflow

        tensorflow.config.list_physical_devices()
    return vocalseg.Separator.load(path, **options)


@contextmanager
def silenced_stderr() -> Iterator[None]:
    """Drop what is written to the process' standard error, by C++ too; exceptions still pass."""
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


def separate_file(separator: "vocalseg.Separator", path: Path, targets: dict[str, Path]) -> None:
    """Separate one file into files, as a stream."""
    with (
        opened(path) as song,
        created(targets, song) as files,
        tqdm(total=round(song.seconds, 1), desc=path.name, unit="s", disable=None) as progress,
    ):
        for pieces in separator.stream(song.blocks, song.sample_rate):
            for stem, piece in zip(STEMS, pieces, strict=True):
                files[stem].write(piece)
            progress.update(len(pieces[0]) / song.sample_rate)
