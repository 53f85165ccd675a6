"""Download archives from Zenodo by DOI, resumable and verified.

pooch finds the record of a DOI, verifies and stores the file. It cannot resume a partial download,
so :class:`ResumingDownloader` replaces its downloader.
"""

import time
from pathlib import Path
from typing import NamedTuple

import pooch
import requests
from pooch.downloaders import REQUESTS_HEADERS, doi_to_repository
from tqdm import tqdm

from vocalseg.errors import BadInput
from vocalseg.songs import unpacking

TIMEOUT = (10, 60)  # seconds to connect, and between two chunks
CHUNK = 1 << 20

#: Seconds between retries; the sequence restarts after a retry that made progress.
RETRY_DELAYS = (1, 2, 4, 8, 16, 32)

#: HTTP status codes of temporary failures.
RETRY_STATUS = {408, 429, 500, 502, 503, 504}


class Archive(NamedTuple):
    """A zip file of a Zenodo record; ``unpacked`` is the approximate size of its files in bytes."""

    doi: str
    file: str
    bytes: int
    md5: str
    unpacked: int


#: Ten hours of music, published as stem files and as WAV.
MUSDB18 = {
    "musdb18": Archive(
        doi="10.5281/zenodo.1117372",
        file="musdb18.zip",
        bytes=4_684_228_845,
        md5="af06762477334799bfc5abf237648207",
        unpacked=4_800_000_000,
    ),
    "musdb18-hq": Archive(
        doi="10.5281/zenodo.3338373",
        file="musdb18hq.zip",
        bytes=22_656_664_047,
        md5="12d4f2ecd55245a4688754dd76363103",
        unpacked=32_000_000_000,
    ),
}


def fetch(archive: Archive, folder: Path) -> Path:
    """Download an archive into a folder, unless it is there already.

    Parameters
    ----------
    archive : Archive
        Archive to download.
    folder : Path
        Folder for the zip file.

    Returns
    -------
    Path
        The zip file, with verified size and MD5.

    Raises
    ------
    BadInput
        If disk space does not suffice, the record cannot be reached or has changed, or the MD5 is
        wrong; in the last case the file is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    zip_file, part = folder / archive.file, folder / f"{archive.file}.part"
    have = next((p.stat().st_size for p in (zip_file, part) if p.exists()), 0)
    unpacking.require_space(folder, max(archive.bytes - have, 0) + archive.unpacked)
    try:
        pooch.retrieve(
            f"doi:{archive.doi}/{archive.file}",
            known_hash=f"md5:{archive.md5}",
            fname=archive.file,
            path=folder,
            downloader=ResumingDownloader(archive, part),
        )
    except BadInput:
        raise
    except ValueError as error:  # pooch's message holds the actual checksum
        found = str(error).split(" but got ")[-1].split(".")[0]
        raise BadInput(
            f"{zip_file}: MD5 is {found}, but {archive.doi} has {archive.md5}; nothing was kept, "
            "run again"
        ) from None
    return zip_file


class ResumingDownloader:
    """Downloader for pooch that resumes a partial download, which is kept in ``part``.

    Parameters
    ----------
    archive : Archive
        Archive to download.
    part : Path
        File for the data received so far.
    """

    def __init__(self, archive: Archive, part: Path):
        self.archive, self.part = archive, part

    def __call__(self, url: str, output_file: str | Path, pooch: object) -> None:
        """Download ``url`` (``doi:.../file``) to ``output_file``."""
        if self._received() > self.archive.bytes:
            self.part.unlink()
        delays = iter(RETRY_DELAYS)
        while (have := self._received()) < self.archive.bytes:
            try:
                self._resume()
            except BadInput:
                raise
            except (requests.RequestException, KeyError, ValueError) as error:
                if self._received() > have:
                    delays = iter(RETRY_DELAYS)
                self._wait_or_fail(next(delays, None), error)
        self.part.replace(output_file)

    def _received(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _resume(self) -> None:
        """Request the missing bytes and append them."""
        have = self._received()
        headers = {**REQUESTS_HEADERS, "Accept-Encoding": "identity", "Range": f"bytes={have}-"}
        with requests.get(self._url(), headers=headers, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                have = 0  # the server ignores the range and sends the whole file
            total = have + int(response.headers.get("Content-Length", self.archive.bytes - have))
            if total != self.archive.bytes:
                raise BadInput(
                    f"{response.url}: {total:,} bytes, but {self.archive.file} should have "
                    f"{self.archive.bytes:,}; the record has changed, see "
                    f"https://doi.org/{self.archive.doi}"
                )
            bar = tqdm(
                desc=self.archive.file, initial=have, total=total, unit="B", unit_scale=True,
                disable=None,
            )  # fmt: skip
            with self.part.open("ab" if have else "wb") as file, bar:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
        if self._received() < self.archive.bytes:
            raise requests.ConnectionError("the connection ended early")

    def _url(self) -> str:
        """Return the file's URL on the record's page; unlike the API's link, it supports ranges."""
        record = doi_to_repository(self.archive.doi, headers=REQUESTS_HEADERS, timeout=TIMEOUT)
        files = {file["key"]: file for file in record.api_response["files"]}
        if self.archive.file not in files:
            raise BadInput(
                f"https://doi.org/{self.archive.doi}: no {self.archive.file} in the record; "
                "download the data set by hand and set dataset.root to its folder"
            )
        return f"{record.archive_url}/files/{self.archive.file}?download=1"

    def _wait_or_fail(self, seconds: float | None, error: Exception) -> None:
        """Wait before the next try, or raise if the failure is permanent."""
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        if seconds is None or not (status is None or status in RETRY_STATUS):
            raise BadInput(
                f"https://doi.org/{self.archive.doi}: {self.archive.file} not downloaded "
                f"({' '.join(str(error).split())}); {self._received():,} bytes are kept: run again "
                "to resume, or download it by hand and set dataset.root to its folder"
            ) from None
        retry_after = response.headers.get("Retry-After", "") if response is not None else ""
        if retry_after.isdigit():
            seconds = max(seconds, min(int(retry_after), 300))
        tqdm.write(f"{self.archive.file}: {type(error).__name__}; retrying in {seconds:g} s")
        time.sleep(seconds)
