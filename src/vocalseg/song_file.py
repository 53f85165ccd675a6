"""A song's file as a stream of blocks, and its stems as files: nothing is ever held whole."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import ffmpeg
import numpy as np
import soundfile as sf
import stempeg

from vocalseg.errors import BadInput

#: Formats that stems are written in. Float WAV adds up to the input to float rounding.
SUBTYPES = {"wav": "FLOAT", "flac": "PCM_24", "mp3": "MPEG_LAYER_III"}

BLOCK_SECONDS = 1


class Song(NamedTuple):
    """An opened song: Hz, channels, seconds by its header, blocks (samples, channels) float32."""

    sample_rate: int
    channels: int
    seconds: float
    blocks: Iterator[np.ndarray]


@contextmanager
def opened(path: Path) -> Iterator[Song]:
    """Open a song in any format that libsndfile or ffmpeg reads.

    Raises
    ------
    BadInput
        If it is not audio or has more than two channels; while its blocks are read, if samples are
        not finite, or if there are none.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(sf.SoundFile(path))
            rate, channels, seconds = file.samplerate, file.channels, file.frames / file.samplerate
            blocks = file.blocks(BLOCK_SECONDS * rate, dtype="float32", always_2d=True)
        except sf.LibsndfileError:
            rate, channels, seconds = _probe(path)
            blocks = _decoded(path, rate, channels)
        if channels > 2:
            raise BadInput(f"{path}: {channels} channels; mix it down to mono or stereo")
        yield Song(rate, channels, seconds, _sound(blocks, path))


@contextmanager
def created(paths: dict[str, Path], like: Song) -> Iterator[dict[str, sf.SoundFile]]:
    """Files to write stems to, at a song's rate and channels, by their suffixes' formats.

    They take their names when all are whole; after any error nothing is left of them.

    Raises
    ------
    BadInput
        If one cannot be written.
    """
    parts = {stem: path.with_name(f".part.{path.name}") for stem, path in paths.items()}
    folders = [f for path in paths.values() for f in (path.parent, *path.parents) if not f.exists()]
    try:
        with ExitStack() as stack:
            files = {}
            for stem, part in parts.items():
                part.parent.mkdir(parents=True, exist_ok=True)
                kind = part.suffix[1:].lower()
                files[stem] = stack.enter_context(
                    sf.SoundFile(
                        part, "w", like.sample_rate, like.channels, SUBTYPES[kind],
                        format=kind.upper(),
                    )
                )  # fmt: skip
            yield files
        for stem, part in parts.items():
            part.replace(paths[stem])
        folders = []
    except (OSError, sf.LibsndfileError) as error:
        names = " and ".join(str(path) for path in paths.values())
        raise BadInput(f"{names}: cannot be written ({error})") from None
    finally:
        for part in parts.values():
            if part.exists():
                part.unlink()
        for folder in folders:  # made for nothing
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _sound(blocks: Iterable[np.ndarray], path: Path) -> Iterator[np.ndarray]:
    empty = True
    for block in blocks:
        if not np.isfinite(block).all():
            raise BadInput(f"{path}: holds NaN or infinite samples; repair the file")
        empty = empty and not len(block)
        yield block
    if empty:
        raise BadInput(f"{path}: holds no samples")


def _probe(path: Path) -> tuple[int, int, float]:
    try:
        info = stempeg.Info(str(path))
        return info.sample_rate(0), info.channels(0), info.duration(0)
    except FileNotFoundError:
        raise BadInput(f"{path}: needs ffmpeg, which is not installed; install it") from None
    except (ffmpeg.Error, IndexError, KeyError):
        raise BadInput(f"{path}: not audio that libsndfile or ffmpeg reads") from None


def _decoded(path: Path, rate: int, channels: int) -> Iterator[np.ndarray]:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", "-f", "f32le", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while data := process.stdout.read(4 * channels * rate * BLOCK_SECONDS):
            yield np.frombuffer(data, "<f4").reshape(-1, channels)
        reason = process.stderr.read().decode(errors="replace").strip().splitlines()
        if process.wait():
            raise BadInput(f"{path}: cannot be decoded ({reason[-1] if reason else 'ffmpeg'})")
