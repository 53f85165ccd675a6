"""A song's file as a stream of blocks, and its stems as files: nothing is ever held whole."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import soundfile as sf

from vocalseg import reader
from vocalseg.errors import BadInput
from vocalseg.reader import Sound

#: Formats that stems are written in. Float WAV adds up to the input to float rounding.
SUBTYPES = {"wav": "FLOAT", "flac": "PCM_24", "mp3": "MPEG_LAYER_III"}


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


@contextmanager
def created(paths: dict[str, Path], like: Sound) -> Iterator[dict[str, sf.SoundFile]]:
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
