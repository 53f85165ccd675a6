"""Archives by DOI are resumed, verified and unpacked safely; errors have one line."""

import hashlib
import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.songs.server import Server
from vocalseg.songs import unpacking, zenodo

RECORD = 1117372
CONTENT = np.random.default_rng(0).bytes(5_000_000)


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


ARCHIVE = zenodo.Archive(f"10.5281/zenodo.{RECORD}", "songs.zip", len(CONTENT), md5(CONTENT), 1)


@pytest.fixture
def server(monkeypatch):
    with Server().running() as server:
        server.intercept(monkeypatch)
        server.files[RECORD, "songs.zip"] = CONTENT
        monkeypatch.setattr(zenodo, "RETRY_DELAYS", (0.01,) * 4)
        yield server


def zipped(path: Path, files: dict[str, bytes], compression=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


# ------------------------------------------------------------------ fetch


def test_file_is_found_by_its_doi(server, tmp_path):
    path = zenodo.fetch(ARCHIVE, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["songs.zip"]


def test_existing_file_is_verified_and_not_downloaded_again(server, tmp_path):
    zenodo.fetch(ARCHIVE, tmp_path)
    count = len(server.requests)
    zenodo.fetch(ARCHIVE, tmp_path)
    assert len(server.requests) == count


def test_file_damaged_on_disk_is_downloaded_again(server, tmp_path):
    (tmp_path / "songs.zip").write_bytes(CONTENT[:-1] + b"!")
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


def test_download_resumes_after_a_lost_connection(server, tmp_path):
    server.cuts = [3_000_000, 1_500_000]
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT
    first, second, third = (int(r.removeprefix("bytes=")[:-1]) for r in server.downloads())
    assert first == 0
    assert 2_000_000 <= second <= 3_000_000
    assert second + 1_000_000 <= third <= 4_500_000


def test_partial_file_of_a_killed_run_is_resumed(server, tmp_path):
    (tmp_path / "songs.zip.part").write_bytes(CONTENT[:4_000_000])
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT
    assert server.downloads() == ["bytes=4000000-"]


def test_complete_partial_file_is_not_downloaded_again(server, tmp_path):
    (tmp_path / "songs.zip.part").write_bytes(CONTENT)
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT
    assert server.downloads() == []


def test_download_restarts_on_a_server_without_ranges(server, tmp_path):
    server.ranges, server.cuts = False, [3_000_000]
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [503, 429, 502])
@pytest.mark.parametrize("answers_before", range(5))
def test_requests_to_a_busy_server_are_repeated(server, tmp_path, status, answers_before):
    # Five requests can be refused: the DOI, two redirects to the record, its list, and the file.
    refusals = iter([200] * answers_before + [status])
    server.refusals = _PassThenRefuse(refusals)
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


class _PassThenRefuse:
    """Refusals after some requests have passed."""

    def __init__(self, statuses):
        self.statuses, self.status = statuses, None

    def __bool__(self):
        self.status = next(self.statuses, 200)
        return self.status != 200

    def pop(self, _):
        return self.status


def test_server_that_stays_busy_is_an_error_and_the_partial_file_is_kept(server, tmp_path, rejects):
    (tmp_path / "songs.zip.part").write_bytes(CONTENT[:1000])
    server.refusals = [503] * 50
    with rejects(ARCHIVE.doi, "songs.zip", "503", "1,000 bytes are kept", "run again"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert (tmp_path / "songs.zip.part").stat().st_size == 1000


@pytest.mark.parametrize("status", [403, 404])
def test_refused_requests_are_not_repeated(server, tmp_path, rejects, status):
    server.refusals = [status] * 50
    with rejects(ARCHIVE.doi, str(status), "dataset.root"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert len(server.requests) == 1


def test_record_without_the_file_is_an_error(server, tmp_path, rejects):
    server.files = {(RECORD, "other.zip"): b""}
    with rejects(ARCHIVE.doi, "no songs.zip"):
        zenodo.fetch(ARCHIVE, tmp_path)


def test_missing_network_is_an_error_of_one_line(monkeypatch, tmp_path, rejects):
    server = Server()
    server.address = "http://127.0.0.1:9"
    server.intercept(monkeypatch)
    monkeypatch.setattr(zenodo, "RETRY_DELAYS", (0.01,))
    with rejects(ARCHIVE.doi, "refused"):
        zenodo.fetch(ARCHIVE, tmp_path)


def test_wrong_checksum_is_an_error_and_the_file_is_removed(server, tmp_path, rejects):
    other = CONTENT[:-1] + b"!"
    server.files[RECORD, "songs.zip"] = other
    with rejects("songs.zip", md5(other), md5(CONTENT)):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_size_is_detected_before_the_download(server, tmp_path, rejects):
    server.files[RECORD, "songs.zip"] = CONTENT[:-1]
    with rejects("4,999,999", "5,000,000"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert [p for p in tmp_path.iterdir() if p.stat().st_size] == []


def test_insufficient_space_is_detected_before_the_download(server, tmp_path, rejects, monkeypatch):
    usage = type("Usage", (), {"free": 4_000_000})
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda folder: usage)
    with rejects(tmp_path, "GB free", "VOCALSEG_SONGS"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert server.requests == []


def test_partial_file_does_not_count_as_required_space(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 2_000_000})
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda folder: usage)
    (tmp_path / "songs.zip.part").write_bytes(CONTENT[:4_000_000])
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


# ------------------------------------------------------------------ unpack


def test_zip_file_is_unpacked_with_its_folders(tmp_path):
    files = {"train/Björk – Jóga/mixture.wav": b"a" * 10, "test/b.wav": b"b"}
    path = zipped(tmp_path / "songs.zip", files)
    unpacking.unpack(path, tmp_path / "out")
    assert {
        p.relative_to(tmp_path / "out").as_posix(): p.read_bytes()
        for p in (tmp_path / "out").rglob("*") if p.is_file()
    } == files  # fmt: skip


@pytest.mark.parametrize(
    "name", ["../a.wav", "train/../../a.wav", "/etc/a.wav", "C:/a.wav", "train\\..\\a.wav"]
)
def test_path_outside_the_folder_is_refused(tmp_path, rejects, name):
    path = zipped(tmp_path / "songs.zip", {"train/good.wav": b"good", name: b"bad"})
    with rejects(path, "leads out"):
        unpacking.unpack(path, tmp_path / "a" / "out")
    assert list(tmp_path.iterdir()) == [path]


def test_symlink_is_refused(tmp_path, rejects):
    path = tmp_path / "songs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("train/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with rejects(path, "train/link"):
        unpacking.unpack(path, tmp_path / "out")


def test_zip_bomb_is_refused(tmp_path, rejects):
    path = zipped(tmp_path / "songs.zip", {"train/a.wav": bytes(50_000_000)})
    with rejects(path, "50,000,000 bytes"):
        unpacking.unpack(path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_truncated_zip_file_is_refused(tmp_path, rejects, keep):
    path = zipped(tmp_path / "songs.zip", {"train/a.wav": CONTENT[:100_000]})
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep in (0, 100) else int(keep * len(content))])
    with rejects(path, "not a complete zip file"):
        unpacking.unpack(path, tmp_path / "out")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage_inside_a_zip_file_is_detected(tmp_path, rejects, compression):
    buffer = io.BytesIO()
    zipped(buffer, {"train/a.wav": CONTENT[:100_000]}, compression)
    content = bytearray(buffer.getvalue())
    content[50_000:50_100] = bytes(100)
    (tmp_path / "songs.zip").write_bytes(content)
    with rejects("songs.zip", "not a complete zip file"):
        unpacking.unpack(tmp_path / "songs.zip", tmp_path / "out")


def test_atomic_folder_gets_its_name_when_it_is_complete(tmp_path):
    with unpacking.atomic_folder(tmp_path / "songs") as part:
        (part / "a").write_text("a")
        assert not (tmp_path / "songs").exists()
    assert [p.name for p in tmp_path.rglob("*")] == ["songs", "a"]


def test_atomic_folder_is_removed_after_an_exception(tmp_path):
    def fill():
        with unpacking.atomic_folder(tmp_path / "songs") as part:
            (part / "a").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert list(tmp_path.iterdir()) == []
