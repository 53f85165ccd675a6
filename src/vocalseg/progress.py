"""Separate a song into files, and report progress and the spectrograms so far."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vocalseg.errors import BadInput
from vocalseg.report import spectrograms, streamed
from vocalseg.separator import Separator
from vocalseg.song_file import created, opened

STEMS = ("mixture", "vocals", "accompaniment")
REPORTS = 20  # of one song, without the last one


class Progress(NamedTuple):
    """Progress of the separation of a song.

    Attributes
    ----------
    done, total : float
        Separated part and length of the song in seconds; NaN if the file does not state its length.
    levels : dict of float32 arrays, (rows, columns)
        Spectrograms by stem, see :func:`vocalseg.report.streamed.levels`.
    axis, top : float
        Length of their time axis in s, and their upper frequency limit in Hz.
    files : dict of Path
        Files by stem when all are complete, otherwise empty.
    """

    done: float
    total: float
    levels: dict[str, np.ndarray]
    axis: float
    top: float
    files: dict[str, Path]


def separate(separator: Separator, path: Path, folder: Path, minutes: float) -> Iterator[Progress]:
    """Separate a song into WAV files: mixture, vocals and accompaniment.

    Parameters
    ----------
    separator : Separator
        Separator with the model to use.
    path : Path
        File of the song.
    folder : Path
        Folder for the WAV files.
    minutes : float
        Maximum length of a song.

    Yields
    ------
    Progress
        At most :data:`REPORTS` times, and once more when the files are complete.

    Raises
    ------
    BadInput
        If the song cannot be read or is too long. The message names the file without its folder,
        which may be a temporary one.
    """
    targets = {stem: folder / f"{path.stem} ({stem}).wav" for stem in STEMS}
    try:
        with opened(path) as song:
            rate, total = song.sample_rate, song.seconds
            _check_length(path, total, minutes)
            spectra = [streamed.StreamedSpectrogram(rate) for _ in STEMS]

            def report(done: float, files: dict[str, Path]) -> Progress:
                axis = done if files or math.isnan(total) else total
                levels = dict(zip(STEMS, streamed.levels(spectra, axis), strict=True))
                return Progress(done, total, levels, axis, spectrograms.top(rate), files)

            step = (60 * minutes if math.isnan(total) else total) / REPORTS
            samples, reported = 0, 0.0
            with created(targets, song) as files:
                for vocals, accompaniment in separator.stream(song.blocks, rate):
                    pieces = (vocals + accompaniment, vocals, accompaniment)
                    for stem, spectrum, piece in zip(STEMS, spectra, pieces, strict=True):
                        files[stem].write(piece)
                        spectrum.add(piece)
                    samples += len(vocals)
                    done = samples / rate
                    _check_length(path, done, minutes)
                    if done >= reported + step:
                        reported = done
                        yield report(done, {})
        yield report(samples / rate, targets)
    except BadInput as error:
        raise BadInput(str(error).replace(f"{path.parent}{os.sep}", "")) from None


def _check_length(path: Path, seconds: float, minutes: float) -> None:
    if seconds > 60 * minutes:
        raise BadInput(f"{path}: longer than {minutes:g} minutes; shorten it, or raise the limit")
