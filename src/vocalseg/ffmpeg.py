"""Sound that ffmpeg decodes: what a file holds, and its samples as a stream."""

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

#: ffmpeg's messages about packets that are lost. They are counted, not forbidden: between two
#: streams in one file, headers and tags are offered to the decoder, and it complains of each.
_LOST = re.compile(r"Error (while decoding stream|submitting packet to decoder)|Decoding error")
_NO_SOUND = re.compile(r"Header missing|Error parsing the packet header")

#: Its messages about sound that is missing in a container.
_BROKEN = re.compile(
    r"File ended prematurely|partial file|incomplete frame|CRC mismatch|Input/output error"
    r"|error decoding the audio block"
)

_ESTIMATED = "Estimating duration from bitrate"


class Stream(NamedTuple):
    """An audio stream: Hz, channels, codec, ffprobe's name of the format, and its length.

    ``seconds`` is NaN where no header tells. ``frames`` is the length in samples where a header
    tells that of this very stream, and does not estimate it; None elsewhere. ``exact`` says that it
    is counted, as lossless formats do.
    """

    sample_rate: int
    channels: int
    codec: str
    format: str
    seconds: float
    frames: int | None
    exact: bool


class Unreadable(Exception):
    """ffmpeg does not recognise the file."""


class Failed(Exception):
    """ffmpeg lost sound while it decoded; the message is the reason."""


def streams(path: Path) -> list[Stream]:
    """The audio streams of a file, by ffprobe; asked once for a file that stays as it is.

    Raises
    ------
    BadInput
        If ffmpeg is not installed.
    Unreadable
        If the file is in no format that ffmpeg knows.
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
    """One audio stream; ``alone`` in its file, the file's length is its own."""
    rate, codec = int(entry.get("sample_rate", 0)), entry.get("codec_name", "")
    form = container.get("format_name", "")
    seconds = float(entry.get("duration", container.get("duration", math.nan)))
    lossless = codec in ("flac", "alac", "wavpack", "tta") or codec.startswith("pcm_")
    exact = lossless and "duration_ts" in entry and entry.get("time_base") == f"1/{rate}"
    # the count of an MP3 is of the first of its streams, with the encoder's delay
    told = math.isfinite(seconds) and not estimated and form != "mp3"
    own = alone or "mp4" in form
    return Stream(
        sample_rate=rate,
        channels=int(entry.get("channels", 0)),
        codec=codec,
        format=form,
        seconds=seconds,
        frames=round(seconds * rate) if told and own else None,
        exact=exact,
    )


def decode(path: Path, number: int, stream: Stream, block: int) -> Iterator[np.ndarray]:
    """Samples of one audio stream as blocks (samples, channels), float32.

    ffmpeg's messages go to a file, so that neither process ever waits for the other; and it ends
    with this generator.

    Parameters
    ----------
    path : Path
    number : int
        Of the stream among the audio streams.
    stream : Stream
        What :func:`streams` says of it. A file whose rate or channels change is converted to it.
    block : int
        Samples.

    Raises
    ------
    Failed
        After the last block, if sound was lost.
    """
    # libavcodec does not compare FLAC's checksums unless asked to
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
            try:
                while data := process.stdout.read(width * block):
                    whole = memoryview(data)[: len(data) // width * width]
                    yield np.frombuffer(whole, "<f4").reshape(-1, stream.channels)
                status = process.wait()
            finally:
                process.kill()
        log.seek(0)
        if reason := _lost(log, path, status):
            raise Failed(reason)


def _input(path: Path) -> list[str]:
    """Options that open a local file, whatever its name looks like, and nothing that it refers to.

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


def _lost(log: BinaryIO, path: Path, status: int) -> str:
    """Why sound was lost, by ffmpeg's messages and status; nothing if none was."""
    lost, broken, last = 0, "", ""
    for line in (raw.decode(errors="replace") for raw in log):
        lost += bool(_LOST.search(line)) - bool(_NO_SOUND.search(line))
        if _BROKEN.search(line):
            broken = broken or line
        last = line
    if status or lost > 0 or broken:
        return _reason(broken or last, path) or f"ffmpeg's status {status}"
    return ""


def _reason(messages: str, path: Path) -> str:
    """The last of ffmpeg's messages, without the file's name and the part that speaks."""
    last = messages.strip().splitlines()[-1:]
    reason = re.sub(r"^\[[^]]*\] *|Error while decoding stream #[\d:]+: ", "", (last or [""])[0])
    return reason.removeprefix(f"file:{path}: ").strip()
