"""Decode sound with ffmpeg: list the audio streams of a file and stream their samples."""

import json
import math
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

import numpy as np

from vocalseg.errors import BadInput

#: ffmpeg's messages about lost packets. They are counted because some are harmless: between two
#: concatenated streams, headers and tags reach the decoder, which reports each as an error.
_LOST_PACKET = re.compile(
    r"Error (while decoding stream|submitting packet to decoder)|Decoding error"
)
_NOT_A_PACKET = re.compile(r"Header missing|Error parsing the packet header")

#: Messages about sound that is missing from a container.
_DAMAGED = re.compile(
    r"File ended prematurely|partial file|incomplete frame|CRC mismatch|Input/output error"
    r"|error decoding the audio block"
)

_ESTIMATED = "Estimating duration from bitrate"


class Stream(NamedTuple):
    """An audio stream as ffprobe describes it.

    Attributes
    ----------
    sample_rate, channels : int
        Rate in Hz; number of channels.
    codec, format : str
        ffprobe's names of the codec and of the file's format.
    seconds : float
        Length, NaN if no header gives it.
    frames : int or None
        Length in samples if a header gives the length of this very stream without estimating it.
    exact : bool
        Whether ``frames`` was counted, as lossless formats do.
    """

    sample_rate: int
    channels: int
    codec: str
    format: str
    seconds: float
    frames: int | None
    exact: bool


class Unreadable(Exception):
    """The file is in no format that ffmpeg knows."""


class Failed(Exception):
    """Sound was lost while ffmpeg decoded; the message is the reason."""


def streams(path: Path) -> list[Stream]:
    """List the audio streams of a file with ffprobe; cached while the file does not change.

    Parameters
    ----------
    path : Path
        Sound or video file.

    Returns
    -------
    list of Stream
        In the order of the file; cover art is not counted.

    Raises
    ------
    BadInput
        If ffmpeg is not installed.
    Unreadable
        If ffmpeg does not know the format.
    """
    status = path.stat()
    return _streams(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _streams(path: Path, *_: int) -> list[Stream]:
    entries = "codec_type,codec_name,sample_rate,channels,duration,duration_ts,time_base"
    command = [
        "ffprobe", "-v", "warning", *_input(path), "-of", "json", "-show_entries",
        f"stream={entries}:stream_disposition=attached_pic:format=format_name,duration",
    ]  # fmt: skip
    with _installed(path):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    messages = done.stderr.decode(errors="replace")
    if done.returncode:
        raise Unreadable(_reason(messages, path))
    content = json.loads(done.stdout.decode(errors="replace"))
    found = [s for s in content["streams"] if not s.get("disposition", {}).get("attached_pic")]
    estimated, alone = _ESTIMATED in messages, len(found) == 1
    return [
        _stream(entry, content["format"], estimated, alone)
        for entry in found
        if entry.get("codec_type") == "audio"
    ]


def _stream(entry: dict, container: dict, estimated: bool, alone: bool) -> Stream:
    """Describe one audio stream; ``alone`` in its file, it is as long as the file."""
    rate, codec = int(entry.get("sample_rate", 0)), entry.get("codec_name", "")
    form = container.get("format_name", "")
    seconds = float(entry.get("duration", container.get("duration", math.nan)))
    lossless = codec in ("flac", "alac", "wavpack", "tta") or codec.startswith("pcm_")
    exact = lossless and "duration_ts" in entry and entry.get("time_base") == f"1/{rate}"
    # an MP3 header counts the first of several concatenated streams, encoder delay included
    known = math.isfinite(seconds) and not estimated and form != "mp3"
    own = alone or "mp4" in form
    return Stream(
        sample_rate=rate,
        channels=int(entry.get("channels", 0)),
        codec=codec,
        format=form,
        seconds=seconds,
        frames=round(seconds * rate) if known and own else None,
        exact=exact,
    )


def decode(path: Path, number: int, stream: Stream, block: int) -> Iterator[np.ndarray]:
    """Decode one audio stream as blocks (samples, channels), float32.

    ffmpeg's messages go to a temporary file, so neither process blocks on a full pipe. Closing this
    generator ends ffmpeg.

    Parameters
    ----------
    path : Path
        Sound or video file.
    number : int
        Index of the stream among the audio streams.
    stream : Stream
        Its description by :func:`streams`. A file whose rate or channels change is converted to it.
    block : int
        Block length in samples.

    Yields
    ------
    float32 array, (samples, channels)
        Read-only block; the last may be shorter.

    Raises
    ------
    Failed
        After the last block, if sound was lost.
    """
    # libavcodec verifies FLAC checksums only on request
    check = ["-err_detect", "crccheck"] if stream.codec == "flac" else []
    command = [
        "ffmpeg", "-nostdin", "-v", "error", *check, *_input(path), "-map", f"0:a:{number}",
        "-ar", str(stream.sample_rate), "-ac", str(stream.channels), "-f", "f32le", "pipe:1",
    ]  # fmt: skip
    width = 4 * stream.channels
    with TemporaryFile() as log:
        with _installed(path):
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            )
        with process:
            assert process.stdout is not None  # a pipe, see above
            try:
                while data := process.stdout.read(width * block):
                    whole = memoryview(data)[: len(data) // width * width]
                    yield np.frombuffer(whole, "<f4").reshape(-1, stream.channels)
                status = process.wait()
            finally:
                process.kill()
        log.seek(0)
        if reason := _loss(log, path, status):
            raise Failed(reason)


def _input(path: Path) -> list[str]:
    """Return options that open a local file, whatever its name, and no file that it refers to.

    Without ``file:``, ffmpeg takes ``Mix: one.m4a`` for a protocol and ``-a.m4a`` for an option.
    """
    return ["-protocol_whitelist", "file", "-i", f"file:{path}"]


@contextmanager
def _installed(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise BadInput(
            f"{path}: needs ffmpeg, which is not installed; install it (apt install ffmpeg, "
            "brew install ffmpeg)"
        ) from None


def _loss(log: BinaryIO, path: Path, status: int) -> str:
    """Return why sound was lost, from ffmpeg's messages and exit status; empty if none was lost."""
    lost, damaged, last = 0, "", ""
    for line in (raw.decode(errors="replace") for raw in log):
        lost += bool(_LOST_PACKET.search(line)) - bool(_NOT_A_PACKET.search(line))
        if _DAMAGED.search(line):
            damaged = damaged or line
        last = line
    if status or lost > 0 or damaged:
        return _reason(damaged or last, path) or f"ffmpeg's status {status}"
    return ""


def _reason(messages: str, path: Path) -> str:
    """Return the last of ffmpeg's messages, without the name of the file and of the component."""
    last = messages.strip().splitlines()[-1:]
    reason = re.sub(r"^\[[^]]*\] *|Error while decoding stream #[\d:]+: ", "", (last or [""])[0])
    return reason.removeprefix(f"file:{path}: ").strip()
