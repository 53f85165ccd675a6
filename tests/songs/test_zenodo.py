"""Archives by DOI: resumed after a cut, verified, unpacked safely; faults end in one line."""

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


def test_a_file_is_found_by_its_doi(server, tmp_path):
    path = zenodo.fetch(ARCHIVE, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["songs.zip"]


def test_what_is_there_is_verified_and_not_fetched_again(server, tmp_path):
    zenodo.fetch(ARCHIVE, tmp_path)
    asked = len(server.requests)
    zenodo.fetch(ARCHIVE, tmp_path)
    assert len(server.requests) == asked


def test_a_file_that_was_damaged_on_disk_is_fetched_again(server, tmp_path):
    (tmp_path / "songs.zip").write_bytes(CONTENT[:-1] + b"!")
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


def test_a_download_goes_on_after_a_cut(server, tmp_path):
    server.cuts = [3_000_000, 1_500_000]
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT
    first, second, third = (int(r.removeprefix("bytes=")[:-1]) for r in server.downloads())
    assert first == 0
    assert 2_000_000 <= second <= 3_000_000
    assert second + 1_000_000 <= third <= 4_500_000


def test_a_later_run_goes_on_where_an_earlier_one_was_killed(server, tmp_path):
    (tmp_path / "songs.zip.part").write_bytes(CONTENT[:4_000_000])
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT
    assert server.downloads() == ["bytes=4000000-"]


def test_a_run_that_was_killed_after_the_last_byte_asks_for_nothing(server, tmp_path):
    (tmp_path / "songs.zip.part").write_bytes(CONTENT)
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT
    assert server.downloads() == []


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.ranges, server.cuts = False, [3_000_000]
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [503, 429, 502])
@pytest.mark.parametrize("answers_before", range(5))
def test_a_busy_server_is_asked_again(server, tmp_path, status, answers_before):
    # The DOI, two redirects to the record, the record's files, the file: each can be refused.
    refusals = iter([200] * answers_before + [status])
    server.refusals = _Some(refusals)
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


class _Some:
    """Refusals that let some requests pass."""

    def __init__(self, statuses):
        self.statuses, self.status = statuses, None

    def __bool__(self):
        self.status = next(self.statuses, 200)
        return self.status != 200

    def pop(self, _):
        return self.status


def test_a_server_that_stays_busy_ends_in_one_line_and_keeps_what_came(server, tmp_path, rejects):
    (tmp_path / "songs.zip.part").write_bytes(CONTENT[:1000])
    server.refusals = [503] * 50
    with rejects(ARCHIVE.doi, "songs.zip", "503", "1,000 bytes are kept", "run again"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert (tmp_path / "songs.zip.part").stat().st_size == 1000


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_asked_again(server, tmp_path, rejects, status):
    server.refusals = [status] * 50
    with rejects(ARCHIVE.doi, str(status), "dataset.root"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert len(server.requests) == 1


def test_a_record_without_the_file_is_named(server, tmp_path, rejects):
    server.files = {(RECORD, "other.zip"): b""}
    with rejects(ARCHIVE.doi, "no songs.zip"):
        zenodo.fetch(ARCHIVE, tmp_path)


def test_no_network_is_one_line(monkeypatch, tmp_path, rejects):
    server = Server()
    server.address = "http://127.0.0.1:9"
    server.intercept(monkeypatch)
    monkeypatch.setattr(zenodo, "RETRY_DELAYS", (0.01,))
    with rejects(ARCHIVE.doi, "refused"):
        zenodo.fetch(ARCHIVE, tmp_path)


def test_a_wrong_checksum_names_both_and_keeps_nothing(server, tmp_path, rejects):
    other = CONTENT[:-1] + b"!"
    server.files[RECORD, "songs.zip"] = other
    with rejects("songs.zip", md5(other), md5(CONTENT)):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_noticed_before_the_download(server, tmp_path, rejects):
    server.files[RECORD, "songs.zip"] = CONTENT[:-1]
    with rejects("4,999,999", "5,000,000"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert [p for p in tmp_path.iterdir() if p.stat().st_size] == []


def test_a_full_disk_is_noticed_before_the_first_byte(server, tmp_path, rejects, monkeypatch):
    usage = type("Usage", (), {"free": 4_000_000})
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda folder: usage)
    with rejects(tmp_path, "GB free", "VOCALSEG_SONGS"):
        zenodo.fetch(ARCHIVE, tmp_path)
    assert server.requests == []


def test_what_has_arrived_need_not_find_space_again(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 2_000_000})
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda folder: usage)
    (tmp_path / "songs.zip.part").write_bytes(CONTENT[:4_000_000])
    assert zenodo.fetch(ARCHIVE, tmp_path).read_bytes() == CONTENT


# ------------------------------------------------------------------ unpack


def test_a_zip_file_is_unpacked_with_its_folders(tmp_path):
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
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, rejects, name):
    path = zipped(tmp_path / "songs.zip", {"train/good.wav": b"good", name: b"bad"})
    with rejects(path, "leads out"):
        unpacking.unpack(path, tmp_path / "a" / "out")
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_refused(tmp_path, rejects):
    path = tmp_path / "songs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("train/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with rejects(path, "train/link"):
        unpacking.unpack(path, tmp_path / "out")


def test_a_bomb_is_refused(tmp_path, rejects):
    path = zipped(tmp_path / "songs.zip", {"train/a.wav": bytes(50_000_000)})
    with rejects(path, "50,000,000 bytes"):
        unpacking.unpack(path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_zip_file_that_is_cut_off_is_refused(tmp_path, rejects, keep):
    path = zipped(tmp_path / "songs.zip", {"train/a.wav": CONTENT[:100_000]})
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep in (0, 100) else int(keep * len(content))])
    with rejects(path, "not a complete zip file"):
        unpacking.unpack(path, tmp_path / "out")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage_inside_a_file_is_noticed(tmp_path, rejects, compression):
    buffer = io.BytesIO()
    zipped(buffer, {"train/a.wav": CONTENT[:100_000]}, compression)
    content = bytearray(buffer.getvalue())
    content[50_000:50_100] = bytes(100)
    (tmp_path / "songs.zip").write_bytes(content)
    with rejects("songs.zip", "not a complete zip file"):
        unpacking.unpack(tmp_path / "songs.zip", tmp_path / "out")


def test_a_folder_takes_its_name_when_all_went_well(tmp_path):
    with unpacking.atomic_folder(tmp_path / "songs") as part:
        (part / "a").write_text("a")
        assert not (tmp_path / "songs").exists()
    assert [p.name for p in tmp_path.rglob("*")] == ["songs", "a"]


def test_a_folder_that_was_not_filled_is_removed(tmp_path):
    def fill():
        with unpacking.atomic_folder(tmp_path / "songs") as part:
            (part / "a").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert list(tmp_path.iterdir()) == []
