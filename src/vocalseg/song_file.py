"""A song's file as a stream of blocks, and its stems as files: nothing is ever held whole."""

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

#: Formats that stems are written in. Float WAV adds up to the input to float rounding.
SUBTYPES = {"wav": "FLOAT", "flac": "PCM_24", "mp3": "MPEG_LAYER_III"}

#: Bytes of samples that a WAV file can hold; longer songs are written as RF64, its extension.
WAV_BYTES = 2**32 - 2**12


@contextmanager
def opened(path: str | Path, *, partial: bool = False) -> Iterator[Sound]:
    """Open a song, mono or stereo, as :func:`vocalseg.reader.opened` does.

    Raises
    ------
    BadInput
        As there, and if the song has more than two channels.
    """
    with reader.opened(path, partial=partial) as sound:
        if sound.channels > 2:
            raise BadInput(f"{path}: {sound.channels} channels; mix it down to mono or stereo")
        yield sound


def check_format(song: Sound, kind: str) -> None:
    """See that a format (a key of :data:`SUBTYPES`) can hold a song's rate and channels.

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
            f"{song.path}: {song.sample_rate} Hz, which {kind.upper()} files cannot have; "
            "choose --format wav, or convert the song"
        ) from None


class Stem:
    """A file that a stem is written to, block by block.

    Attributes
    ----------
    clipped : int
        Samples above full scale that the format could not hold.
    """

    def __init__(self, part: Path, path: Path, like: Sound):
        kind = path.suffix[1:].lower()
        self.path, self.clipped, self.kind, self.written = path, 0, kind, 0
        expected = like.seconds * like.sample_rate * like.channels * 4
        large = kind == "wav" and (math.isnan(expected) or expected > WAV_BYTES)
        self.limit = WAV_BYTES if kind == "wav" and not large else math.inf
        self.output = _Output(part)
        try:
            self.file = sf.SoundFile(
                self.output, "w", like.sample_rate, like.channels, SUBTYPES[kind],
                format="RF64" if large else kind.upper(),
            )  # fmt: skip
        except BaseException:
            self.output.close()
            raise

    def write(self, block: np.ndarray) -> None:
        """Append samples (samples, channels), float32.

        Raises
        ------
        BadInput
            If they cannot be written, or do not fit into the format.
        """
        if self.kind == "flac":
            self.clipped += int(np.count_nonzero(np.abs(block) > 1))
        self.written += 4 * block.size
        if self.written > self.limit:
            raise BadInput(
                f"{self.path}: longer than the song's header says, and more than a WAV file can "
                "hold; choose --format flac"
            )
        with _naming(self.path):
            self.file.write(block)
            self.output.check()

    def close(self) -> None:
        """Write what is left; raises BadInput if it cannot be written."""
        with _naming(self.path):
            try:
                self.file.close()
                self.output.check()
            finally:
                self.output.close()


class _Output(io.FileIO):
    """A new file that remembers a failed write: libsndfile does not tell of all of them."""

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
        if self.error:
            raise self.error


@contextmanager
def created(paths: dict[str, Path], like: Sound) -> Iterator[dict[str, Stem]]:
    """Files to write stems to, at a song's rate and channels, by their suffixes' formats.

    They take their names when all are whole; after any error nothing is left of them.

    Raises
    ------
    BadInput
        If one cannot be written.
    """
    parts = {stem: path.with_name(f".{os.getpid()}.{stem}.part") for stem, path in paths.items()}
    made: list[Path] = []
    stems: dict[str, Stem] = {}
    try:
        with ExitStack() as stack:
            for stem, part in parts.items():
                with _naming(paths[stem]):
                    made += _make(part.parent)
                    part.unlink(missing_ok=True)  # of a killed process that had the same number
                    stems[stem] = Stem(part, paths[stem], like)
                stack.callback(stems[stem].close)
            yield stems
        for stem, part in parts.items():
            with _naming(paths[stem]):
                part.replace(paths[stem])
        made = []
    finally:
        for part in parts.values():
            if stems and part.exists():
                part.unlink()
        for folder in reversed(made):  # made for nothing
            if not any(folder.iterdir()):
                folder.rmdir()


def _make(folder: Path) -> list[Path]:
    """Make a folder; those that were not there before, the outermost first."""
    new = [f for f in (*reversed(folder.parents), folder) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return new


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Raise errors of writing as BadInput that names the file."""
    try:
        yield
    except (OSError, ValueError, sf.LibsndfileError, AssertionError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "write failed"
        raise BadInput(f"{path}: cannot be written ({reason})") from None
