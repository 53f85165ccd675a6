"""Archives on Zenodo: fetched by DOI, resumed after a cut, verified, unpacked safely.

pooch finds the record of a DOI, verifies and keeps the file. What it cannot do is go on with a
download that was cut, so :class:`ResumingDownloader` takes its downloader's place.
"""

import shutil
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

import pooch
import requests
from pooch.downloaders import REQUESTS_HEADERS, doi_to_repository
from tqdm import tqdm

from vocalseg.errors import BadInput

TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
CHUNK = 1 << 20

#: Seconds between tries; they begin anew when a try has brought something.
RETRY_DELAYS = (1, 2, 4, 8, 16, 32)

#: Answers that come from a server's load, not from the request.
RETRY_STATUS = {408, 429, 500, 502, 503, 504}

#: No archive of songs unpacks to more than this many times its size: what does is a bomb.
MAX_RATIO = 100


class Archive(NamedTuple):
    """A zip file of a record; ``unpacked`` is what its files take on disk, about, in bytes."""

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
    """Download an archive into a folder, or find it there.

    Returns
    -------
    Path
        The zip file, of the right size and MD5.

    Raises
    ------
    BadInput
        If the disk is too small, the record cannot be reached or is another, or the file's MD5 is
        wrong: then nothing of it is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    zip_file, part = folder / archive.file, folder / f"{archive.file}.part"
    have = next((p.stat().st_size for p in (zip_file, part) if p.exists()), 0)
    require_space(folder, max(archive.bytes - have, 0) + archive.unpacked)
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
    except ValueError as error:  # pooch names the sum that it got
        found = str(error).split(" but got ")[-1].split(".")[0]
        raise BadInput(
            f"{zip_file}: MD5 is {found}, but {archive.doi} has {archive.md5}; nothing was kept, "
            "run again"
        ) from None
    return zip_file


class ResumingDownloader:
    """pooch's downloader for an archive that may come in several pieces.

    What has arrived stays in ``part`` when a download ends early; the next one goes on from there.
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
        """Ask for what is missing and append it."""
        have = self._received()
        headers = {**REQUESTS_HEADERS, "Accept-Encoding": "identity", "Range": f"bytes={have}-"}
        with requests.get(self._url(), headers=headers, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                have = 0  # the server sends all from the beginning
            total = have + int(response.headers.get("Content-Length", self.archive.bytes - have))
            if total != self.archive.bytes:
                raise BadInput(
                    f"{response.url}: {total:,} bytes, but {self.archive.file} has "
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
        """The file's page in the record, which serves ranges; the API's own link does not."""
        record = doi_to_repository(self.archive.doi, headers=REQUESTS_HEADERS, timeout=TIMEOUT)
        files = {file["key"]: file for file in record.api_response["files"]}
        if self.archive.file not in files:
            raise BadInput(
                f"https://doi.org/{self.archive.doi}: no {self.archive.file} in the record; "
                "fetch the data set by hand and let dataset.root name its folder"
            )
        return f"{record.archive_url}/files/{self.archive.file}?download=1"

    def _wait_or_fail(self, seconds: float | None, error: Exception) -> None:
        """Wait for the next try, or give up."""
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        if seconds is None or not (status is None or status in RETRY_STATUS):
            raise BadInput(
                f"https://doi.org/{self.archive.doi}: {self.archive.file} not fetched "
                f"({' '.join(str(error).split())}); {self._received():,} bytes are kept: run again "
                "to resume, or fetch it by hand and set dataset.root to its folder"
            ) from None
        asked = response.headers.get("Retry-After", "") if response is not None else ""
        seconds = max(seconds, min(int(asked), 300)) if asked.isdigit() else seconds
        tqdm.write(f"{self.archive.file}: {type(error).__name__}; next try in {seconds:g} s")
        time.sleep(seconds)


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk of a folder, there already or not, has ``needed`` bytes free.

    Raises
    ------
    BadInput
        If it has less.
    """
    free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free
    if free < needed:
        raise BadInput(
            f"{folder}: {free / 1e9:.1f} GB free, but {needed / 1e9:.1f} GB are needed; free some, "
            "or let the environment variable VOCALSEG_SONGS name a folder on another disk"
        )


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill that takes ``folder``'s name when all went well, and else is removed."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unpack(zip_file: Path, folder: Path) -> None:
    """Unpack a zip file into an empty folder.

    Raises
    ------
    BadInput
        If it is not a whole zip file, a name in it leads out of the folder, it would unpack to more
        than :data:`MAX_RATIO` times its size, or the disk is too small. Before anything is written,
        but for damage inside a file.
    """
    try:
        with ZipFile(zip_file) as archive:
            members = archive.infolist()
            _check(zip_file, members)
            require_space(folder, sum(member.file_size for member in members))
            for member in tqdm(members, desc=f"unpack {zip_file.name}", unit="file", disable=None):
                archive.extract(member, folder)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BadInput(
            f"{zip_file}: not a whole zip file ({error}); remove it and run again"
        ) from None


def _check(zip_file: Path, members: list[ZipInfo]) -> None:
    for member in members:
        name = PurePosixPath(member.filename)
        leads_out = name.is_absolute() or ".." in name.parts or member.filename[1:2] == ":"
        if leads_out or "\\" in member.filename or stat.S_ISLNK(member.external_attr >> 16):
            raise BadInput(
                f"{zip_file}: holds {member.filename!r}, which leads out of the folder; "
                "remove the file and do not trust where it came from"
            )
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_RATIO * zip_file.stat().st_size:
        raise BadInput(
            f"{zip_file}: unpacks to {unpacked:,} bytes, more than {MAX_RATIO} times its size; "
            "remove the file and do not trust where it came from"
        )
