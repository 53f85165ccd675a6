"""Read a song and write its stems block by block, so that nothing is held in memory completely."""

import io
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

from vocalseg import reader
from vocalseg.errors import BadInput
from vocalseg.reader import Sound

#: Subtypes of the formats of stems. Only float WAV keeps the sum of the stems exact up to rounding.
SUBTYPES = {"wav": "FLOAT", "flac": "PCM_24", "mp3": "MPEG_LAYER_III"}

#: Maximum bytes of samples in a WAV file; longer songs are written as RF64.
WAV_BYTES = 2**32 - 2**12


@contextmanager
def opened(path: str | Path, *, partial: bool = False) -> Iterator[Sound]:
    """Open a song, mono or stereo, like :func:`vocalseg.reader.opened`.

    Parameters
    ----------
    path : path
        Sound file.
    partial : bool
        Read what can be decoded of a truncated or damaged file.

    Yields
    ------
    Sound
        The opened file.

    Raises
    ------
    BadInput
        As :func:`vocalseg.reader.opened`, and if the song has more than two channels.
    """
    with reader.opened(path, partial=partial) as sound:
        if sound.channels > 2:
            raise BadInput(f"{path}: {sound.channels} channels; mix it down to mono or stereo")
        yield sound


def check_format(song: Sound, kind: str) -> None:
    """Check that a format can store a song's sample rate and channels.

    Parameters
    ----------
    song : Sound
        The opened song.
    kind : str
        Format, a key of :data:`SUBTYPES`.

    Raises
    ------
    BadInput
        If it cannot.
    """
    form = {"subtype": SUBTYPES[kind], "format": kind.upper()}
    try:
        sf.SoundFile(io.BytesIO(), "w", song.sample_rate, song.channels, **form).close()
    except sf.LibsndfileError:
        raise BadInput(
            f"{song.path}: {song.sample_rate} Hz, which {kind.upper()} files do not support; "
            "choose --format wav, or convert the song"
        ) from None


class Stem:
    """A file that a stem is written to block by block.

    Parameters
    ----------
    part : Path
        Temporary file to write.
    path : Path
        Final file, whose suffix decides the format; named in messages.
    like : Sound
        Song with the sample rate, channels and approximate length of the stem.

    Attributes
    ----------
    clipped : int
        Number of samples above full scale that the format could not store.
    """

    def __init__(self, part: Path, path: Path, like: Sound):
        kind = path.suffix[1:].lower()
        self.path, self.clipped, self.kind, self.written = path, 0, kind, 0
        expected = like.seconds * like.sample_rate * like.channels * 4
        large = kind == "wav" and (math.isnan(expected) or expected > WAV_BYTES)
        self.limit = WAV_BYTES if kind == "wav" and not large else math.inf
        self.output = _OutputFile(part)
        try:
            self.file = sf.SoundFile(
                self.output, "w", like.sample_rate, like.channels, SUBTYPES[kind],
                format="RF64" if large else kind.upper(),
            )  # fmt: skip
        except BaseException:
            self.output.close()
            raise

    def write(self, block: np.ndarray) -> None:
        """Append a block.

        Parameters
        ----------
        block : float32 array, (samples, channels)
            Samples.

        Raises
        ------
        BadInput
            If the block cannot be written or exceeds the limits of the format.
        """
        if self.kind == "flac":
            self.clipped += int(np.count_nonzero(np.abs(block) > 1))
        self.written += 4 * block.size
        if self.written > self.limit:
            raise BadInput(
                f"{self.path}: longer than the song's header says, and more than a WAV file can "
                "hold; choose --format flac"
            )
        with _write_errors(self.path):
            self.file.write(block)
            self.output.check()

    def close(self) -> None:
        """Write buffered samples and close the file; raises BadInput if that fails."""
        with _write_errors(self.path):
            try:
                self.file.close()
                self.output.check()
            finally:
                self.output.close()


class _OutputFile(io.FileIO):
    """A new file that remembers a failed write, because libsndfile does not report all of them."""

    def __init__(self, path: Path):
        super().__init__(path, "x+")
        self.error: OSError | None = None

    def write(self, content) -> int:
        rest = memoryview(content)
        try:
            while len(rest):
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = self.error or error
        return len(content) - len(rest)

    def check(self) -> None:
        """Raise the error of the first failed write, if any."""
        if self.error:
            raise self.error


@contextmanager
def created(paths: dict[str, Path], like: Sound) -> Iterator[dict[str, Stem]]:
    """Create files for stems; they are renamed when all are complete, or removed after any error.

    Parameters
    ----------
    paths : dict of str to Path
        File of each stem; the suffix decides the format.
    like : Sound
        Song with the sample rate and channels of the stems.

    Yields
    ------
    dict of str to Stem
        Files to write to.

    Raises
    ------
    BadInput
        If a file cannot be written.
    """
    parts = {stem: path.with_name(f".{os.getpid()}.{stem}.part") for stem, path in paths.items()}
    made: list[Path] = []
    stems: dict[str, Stem] = {}
    try:
        with ExitStack() as stack:
            for stem, part in parts.items():
                with _write_errors(paths[stem]):
                    made += _make_folder(part.parent)
                    part.unlink(missing_ok=True)  # left by a killed process with the same id
                    stems[stem] = Stem(part, paths[stem], like)
                stack.callback(stems[stem].close)
            yield stems
        for stem, part in parts.items():
            with _write_errors(paths[stem]):
                part.replace(paths[stem])
        made = []
    finally:
        for part in parts.values():
            if stems and part.exists():
                part.unlink()
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()


def _make_folder(folder: Path) -> list[Path]:
    """Create a folder; return the folders that did not exist before, outermost first."""
    new = [f for f in (*reversed(folder.parents), folder) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return new


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Convert errors of writing to BadInput with the name of the file."""
    try:
        yield
    except (OSError, ValueError, sf.LibsndfileError, AssertionError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "write failed"
        raise BadInput(f"{path}: cannot be written ({reason})") from None
