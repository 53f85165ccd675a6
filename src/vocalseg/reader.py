"""Read sound files block by block; the pipeline, the command and the library all use this module.

libsndfile reads uncompressed samples, with a corrected header if its sizes are wrong
(:mod:`vocalseg.containers`); ffmpeg decodes everything else. A file that is truncated or damaged is
an error, unless ``partial`` asks for what can be decoded.
"""

import math
import mmap
import os
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf

from vocalseg import containers, ffmpeg, truncation
from vocalseg.errors import BadInput, Incomplete
from vocalseg.replaced_header import ReplacedHeader

BLOCK_SECONDS = 1

#: Encoder padding: a complete file of a lossy codec may be this much shorter than its header says,
#: and an MP4 file's last frame this much longer.
PADDING_SECONDS = 0.1


class Sound:
    """An opened sound file.

    Parameters
    ----------
    path : Path
        The file.
    sample_rate, channels : int
        Rate in Hz; number of channels.
    frames : int or None
        Exact length in samples; the file is truncated if more than ``tolerance`` are missing.
    seconds : float, optional
        Length according to the header: an estimate for many formats, NaN if unknown.

    Attributes
    ----------
    blocks : iterator of float32 arrays, (samples, channels)
        Blocks of one second, in [-1, 1] for integer formats; can be iterated once.
    tolerance : int
        Samples by which the header of a lossy codec may overstate the length.
    missing : str
        What could not be decoded, one line, set when the blocks of a partial file are exhausted.
    """

    def __init__(
        self, path: Path, sample_rate: int, channels: int, frames: int | None,
        seconds: float | None = None,
    ):  # fmt: skip
        self.path, self.sample_rate, self.channels = path, sample_rate, channels
        self.frames = frames
        if seconds is None:
            seconds = math.nan if frames is None else frames / sample_rate
        self.seconds = seconds
        self.tolerance = 0
        self.blocks: Iterator[np.ndarray] = iter(())
        self.missing = ""


@contextmanager
def opened(path: str | Path, stream: int = 0, *, partial: bool = False) -> Iterator[Sound]:
    """Open a sound file in any format that libsndfile or ffmpeg reads.

    Parameters
    ----------
    path : path
        Sound file.
    stream : int
        Index of the audio stream; stem files have several.
    partial : bool
        Yield what can be decoded of a damaged file; ``missing`` describes what is missing.

    Yields
    ------
    Sound
        The opened file. At the end of the context its blocks are closed, which ends ffmpeg if it
        decodes them, even if an exception still refers to them.

    Raises
    ------
    BadInput
        If the file cannot be opened or is not audio; while its blocks are read, if samples are not
        finite or there are none.
    Incomplete
        If the file is truncated or damaged; for many formats this is known only after all blocks
        have been read.
    """
    path = Path(path)
    with ExitStack() as stack:
        file = stack.enter_context(_open_regular(path))
        container = _inspect(path, file)
        samples = _sound_file(file, container) if container and not stream else None
        if samples is None:
            try:
                found = ffmpeg.streams(path)
            except ffmpeg.Unreadable as error:
                samples = _sound_file(file, None)
                if samples is None:
                    raise BadInput(
                        f"{path}: not audio that libsndfile or ffmpeg reads ({error})"
                    ) from None
        problem = truncation.TRUNCATED if container and container.truncated else ""
        if samples is not None:
            stack.enter_context(samples)
            sound = Sound(path, samples.samplerate, samples.channels, samples.frames)
            blocks = _sound_file_blocks(samples)
        else:
            sound, blocks = _decoded_sound(path, stream, found)
            problem = problem or _truncation(file, found[stream].format)
        if problem and not partial:
            raise _incomplete(path, problem)
        sound.blocks = stack.enter_context(
            closing(_checked_blocks(sound, blocks, problem, partial))
        )
        yield sound


def _open_regular(path: Path) -> BinaryIO:
    try:
        str(path).encode()
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.open("rb")
    except UnicodeEncodeError:
        raise BadInput(f"{path}: its name is not UTF-8; rename the file or its folder") from None
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; correct the name or add the file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be opened ({reason})") from None
    if stat.S_ISDIR(mode):
        raise BadInput(f"{path}: a folder; name the sound files in it")
    raise BadInput(f"{path}: not a regular file; save the sound to a file first")


def _incomplete(path: Path, problem: str) -> Incomplete:
    return Incomplete(f"{path}: {problem}; fetch it again")


def _inspect(path: Path, file: BinaryIO) -> containers.Container | None:
    try:
        return containers.inspect(file)
    except EOFError:
        raise _incomplete(path, truncation.TRUNCATED) from None


def _sound_file(file: BinaryIO, container: containers.Container | None) -> sf.SoundFile | None:
    """Open with libsndfile, by descriptor because names may hold any bytes; None if it cannot."""
    try:
        if container and container.header:
            samples = sf.SoundFile(ReplacedHeader(file, container))
        else:
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            samples = sf.SoundFile(file.fileno(), closefd=False)
    except (sf.LibsndfileError, TypeError):  # TypeError: headerless samples
        return None
    if samples.subtype.startswith("MPEG"):  # libsndfile only estimates its length
        samples.close()
        return None
    return samples


def _sound_file_blocks(samples: sf.SoundFile) -> Iterator[np.ndarray]:
    """Yield blocks; 16-bit integers are converted here because libsndfile's conversion is slow."""
    integers = samples.subtype == "PCM_16"
    kind = "int16" if integers else "float32"
    count = BLOCK_SECONDS * samples.samplerate
    while len(block := samples.read(count, dtype=kind, always_2d=True)):
        if integers:
            block = block.astype(np.float32)
            block *= np.float32(2**-15)
        yield block


def _decoded_sound(
    path: Path, number: int, streams: list[ffmpeg.Stream]
) -> tuple[Sound, Iterator[np.ndarray]]:
    """Return a sound that ffmpeg decodes, and its blocks."""
    if number >= len(streams):
        raise BadInput(
            f"{path}: {len(streams)} audio stream(s), but number {number + 1} is needed; "
            "choose or fetch another file"
        )
    stream = streams[number]
    rate = stream.sample_rate
    if rate <= 0 or stream.channels <= 0:
        raise BadInput(f"{path}: its codec is not known to ffmpeg; convert it to WAV or FLAC")
    sound = Sound(path, rate, stream.channels, stream.frames, seconds=stream.seconds)
    padding = round(PADDING_SECONDS * rate)
    blocks = ffmpeg.decode(path, number, stream, BLOCK_SECONDS * rate)
    if not stream.exact:
        sound.tolerance = padding
        if stream.frames and "mp4" in stream.format:
            blocks = _without_padding(blocks, stream.frames, padding)
    return sound, blocks


def _without_padding(
    blocks: Iterable[np.ndarray], frames: int, padding: int
) -> Iterator[np.ndarray]:
    """Drop what follows ``frames`` samples, unless it is longer than ``padding``."""
    count, held = 0, []
    for block in blocks:
        keep = min(max(frames - count, 0), len(block))
        count += len(block)
        yield block[:keep]
        held.append(block[keep:])
        if count - frames > padding:
            yield from held
            held = []


def _truncation(file: BinaryIO, form: str) -> str:
    """Check a format's own structure for truncation or damage that ffmpeg does not report."""
    check = truncation.CHECKS.get(form)
    if check is None:
        return ""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return check(content)


def _checked_blocks(
    sound: Sound, blocks: Iterable[np.ndarray], problem: str, partial: bool
) -> Generator[np.ndarray]:
    """Yield blocks; if some are missing, raise or describe it in ``sound.missing``."""
    path, rate, count = sound.path, sound.sample_rate, 0
    try:
        for block in blocks:
            if not np.isfinite(block).all():
                raise BadInput(f"{path}: holds NaN or infinite samples; repair the file")
            count += len(block)
            if len(block):
                yield block
    except (ffmpeg.Failed, sf.LibsndfileError) as error:
        problem = problem or f"{truncation.DAMAGED} ({error})"
    if not problem and count < (sound.frames or 0) - sound.tolerance:
        problem = truncation.TRUNCATED
    if problem and not (partial and count):
        raise _incomplete(path, problem)
    if not count:
        raise BadInput(f"{path}: holds no samples; remove or replace it")
    if problem:
        whole = f" of {sound.seconds:.2f} s" if sound.seconds * rate > count else ""
        sound.missing = f"{path}: {problem}; took {count / rate:.2f} s{whole}"
