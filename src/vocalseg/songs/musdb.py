"""Facts about MUSDB18: format of stem files, validation songs, errata, and the short sample."""

from http.client import HTTPException
from pathlib import Path
from zipfile import BadZipFile

import musdb

from vocalseg.errors import BadInput

_SETUP = musdb.DB(root=".", subsets=[]).setup  # the package's own configuration

#: A stem file holds all stems of a song as AAC streams, in this order.
SUFFIX = ".stem.mp4"
STREAMS = tuple(sorted(_SETUP["stem_ids"], key=_SETUP["stem_ids"].get))

#: The official validation songs, part of the training split.
VALIDATION = frozenset(_SETUP["validation_tracks"])

#: Songs with known errors in vocals or mixture (errata on sigsep.github.io).
ERRATA = {
    "Chris Durban - Celebrate": "other instruments bleed into the vocals",
    "Hop Along - Sister Cities": "other instruments bleed into the vocals",
    "PR - Oh No": "the stems do not add up to the mixture (left channel)",
}

#: Size of the archive of 7-second excerpts that the package downloads.
SAMPLE_BYTES = 147_209_385


def download_sample(folder: Path) -> None:
    """Download the 7-second excerpts of MUSDB18 (stem files) into a new folder with musdb.

    Parameters
    ----------
    folder : Path
        Folder to create.

    Raises
    ------
    BadInput
        If the download fails.
    """
    try:
        musdb.DB(root=str(folder), download=True, subsets=[])
    except (OSError, HTTPException, BadZipFile) as error:
        raise BadInput(
            f"{_SETUP['sample-url']}: download failed ({error}); check the network and run again"
        ) from None
