"""The one reader of sound files, block by block: for the pipeline, the command and the library.

What decodes is the song. libsndfile reads uncompressed samples, with the header corrected where its
sizes are wrong (:mod:`vocalseg.containers`); ffmpeg decodes everything else. A file that ends early
or is damaged is an error, unless ``partial`` asks for what is there.
"""

import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf

from vocalseg import containers, endings, ffmpeg
from vocalseg.errors import BadInput, Incomplete

BLOCK_SECONDS = 1

#: By how much a whole file of a lossy codec may be shorter than its header says, and an MP4 file's
#: last frame longer: an encoder's padding.
PADDING_SECONDS = 0.1


class Sound:
    """An opened sound file.

    Attributes
    ----------
    sample_rate, channels : int
        In Hz; number.
    seconds : float
        Length by the header: an estimate for many formats, NaN where the header does not tell.
    frames : int or None
        Length in samples where the header tells it without guessing: at least ``tolerance``
        fewer are missing samples.
    blocks : iterator of float32 arrays, (samples, channels)
        Of one second, in [-1, 1] for integer formats; can be read once.
    tolerance : int
        Samples by which a lossy codec's header may overstate the length.
    missing : str
        One line on what could not be read, once the blocks of a partial file have been read.
    """

    def __init__(
        self, path: Path, sample_rate: int, channels: int, frames: int | None,
        seconds: float | None = None,
    ):  # fmt: skip
        self.path, self.sample_rate, self.channels = path, sample_rate, channels
        self.frames = frames
        self.seconds = frames / sample_rate if seconds is None else seconds
        self.tolerance = 0
        self.blocks: Iterator[np.ndarray] = iter(())
        self.missing = ""


@contextmanager
def opened(path: str | Path, stream: int = 0, *, partial: bool = False) -> Iterator[Sound]:
    """Open a sound file in any format that libsndfile or ffmpeg reads.

    Parameters
    ----------
    path : path
    stream : int
        Which audio stream; stem files have several.
    partial : bool
        Take what can be decoded of a file that ends early or is damaged, and tell what is missing
        in ``missing``.

    Raises
    ------
    BadInput
        If the file cannot be opened or is not audio; while its blocks are read, if samples are not
        finite or there are none.
    Incomplete
        If the file ends early or is damaged; for many formats, this is known only when all blocks
        have been read.
    """
    path = Path(path)
    with ExitStack() as stack:
        file = stack.enter_context(_file(path))
        container = _inspected(path, file)
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
        problem = endings.CUT if container and container.cut else ""
        if samples is not None:
            stack.enter_context(samples)
            sound = Sound(path, samples.samplerate, samples.channels, samples.frames)
            blocks = _read(samples)
        else:
            sound, blocks = _decoded(path, stream, found)
            problem = problem or _ending(file, found[stream].format)
        if problem and not partial:
            raise _incomplete(path, problem)
        sound.blocks = _checked(sound, blocks, problem, partial)
        yield sound


def _file(path: Path) -> BinaryIO:
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


def _inspected(path: Path, file: BinaryIO) -> containers.Container | None:
    try:
        return containers.inspect(file)
    except EOFError:
        raise _incomplete(path, endings.CUT) from None


def _sound_file(file: BinaryIO, container: containers.Container | None) -> sf.SoundFile | None:
    """Open by libsndfile, from a descriptor (names of any bytes); None if it cannot."""
    try:
        if container and container.header:
            samples = sf.SoundFile(containers.Spliced(file, container))
        else:
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            samples = sf.SoundFile(file.fileno(), closefd=False)
    except (sf.LibsndfileError, TypeError):  # TypeError: raw samples, whose form it cannot know
        return None
    if samples.subtype.startswith("MPEG"):  # whose length libsndfile estimates
        samples.close()
        return None
    return samples


def _read(samples: sf.SoundFile) -> Iterator[np.ndarray]:
    """Blocks by libsndfile, whose own conversion of 16-bit integers is slow."""
    integers = samples.subtype == "PCM_16"
    kind = "int16" if integers else "float32"
    count = BLOCK_SECONDS * samples.samplerate
    while len(block := samples.read(count, dtype=kind, always_2d=True)):
        if integers:
            block = block.astype(np.float32)
            block *= np.float32(2**-15)
        yield block


def _decoded(
    path: Path, number: int, streams: list[ffmpeg.Stream]
) -> tuple[Sound, Iterator[np.ndarray]]:
    """A sound that ffmpeg decodes."""
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
    """Drop what follows ``frames`` samples, unless it is more than ``padding``."""
    count, held = 0, []
    for block in blocks:
        keep = min(max(frames - count, 0), len(block))
        count += len(block)
        yield block[:keep]
        held.append(block[keep:])
        if count - frames > padding:
            yield from held
            held = []


def _ending(file: BinaryIO, form: str) -> str:
    """What is wrong with a file's end by its own structure, where ffmpeg would not say so."""
    check = endings.CHECKS.get(form)
    if check is None:
        return ""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return check(content)


def _checked(
    sound: Sound, blocks: Iterable[np.ndarray], problem: str, partial: bool
) -> Iterator[np.ndarray]:
    """Pass blocks on; raise, or say in ``sound.missing``, that some are missing."""
    path, rate, count = sound.path, sound.sample_rate, 0
    try:
        for block in blocks:
            if not np.isfinite(block).all():
                raise BadInput(f"{path}: holds NaN or infinite samples; repair the file")
            count += len(block)
            if len(block):
                yield block
    except (ffmpeg.Failed, sf.LibsndfileError) as error:
        problem = problem or f"{endings.DAMAGED} ({error})"
    if not problem and count < (sound.frames or 0) - sound.tolerance:
        problem = endings.CUT
    if problem and not (partial and count):
        raise _incomplete(path, problem)
    if not count:
        raise BadInput(f"{path}: holds no samples; remove or replace it")
    if problem:
        whole = f" of {sound.seconds:.2f} s" if sound.seconds * rate > count else ""
        sound.missing = f"{path}: {problem}; took {count / rate:.2f} s{whole}"
