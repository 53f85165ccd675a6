"""Stem files in MUSDB18's format: choice, alignment and completeness of streams; known facts."""

import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import stempeg

from tests.songs import small_musdb
from tests.songs.server import Server
from vocalseg import audio
from vocalseg import ffmpeg as ffmpeg_decoder
from vocalseg.songs import musdb, stems

EXCERPT = Path(stempeg.example_stem_path())


@pytest.fixture(scope="module")
def song():
    return small_musdb.stems(1)


@pytest.fixture(scope="module")
def stem_file(song, tmp_path_factory):
    path = tmp_path_factory.mktemp("stems") / "Björk - It's #1, 100%.stem.mp4"
    small_musdb.write_stem_file(path, song)
    return path


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def similarity(a, b):
    """Correlation of two waveforms, mixed to mono."""
    a, b = a.mean(axis=1), b.mean(axis=1)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


# ------------------------------------------------------------------ stem files


def test_streams_are_in_the_official_order():
    assert musdb.STREAMS == ("mixture", "drums", "bass", "other", "vocals")


def test_mixture_and_vocals_equal_the_encoded_waveforms(stem_file, song):
    mixture, vocals, rate = stems.read(stem_file)
    assert rate == small_musdb.RATE
    for read, name in ((mixture, "mixture"), (vocals, "vocals")):
        assert read.dtype == np.float32
        assert len(read) == len(song[name])
        error = {
            shift: np.mean((np.roll(read, shift, axis=0) - song[name]) ** 2)
            for shift in (-1, 0, 1)
        }
        assert min(error, key=error.get) == 0  # aligned to the sample
        assert error[0] < 0.01 * np.mean(song[name] ** 2)


def test_every_stream_can_be_read(stem_file, song):
    for number, name in enumerate(musdb.STREAMS):
        read, _ = audio.read(stem_file, number)
        found = {other: similarity(read[: len(w)], w) for other, w in song.items()}
        assert max(found, key=found.get) == name


def test_stem_file_is_checked_by_its_header(stem_file):
    samples, rate, channels = stems.check(stem_file)
    assert (rate, channels) == (44100, 2)
    assert samples == len(stems.read(stem_file)[0])
    assert stems.files(stem_file) == [stem_file]


def test_real_excerpt_is_read():
    mixture, vocals, rate = stems.read(EXCERPT)
    assert (rate, mixture.shape[1]) == (44100, 2)
    assert len(mixture) == len(vocals) == pytest.approx(6.08 * rate, rel=0.01)
    others = sum(audio.read(EXCERPT, number)[0] for number in (1, 2, 3))
    assert similarity(mixture, vocals + others) > 0.98


def test_only_required_streams_are_decoded(stem_file, monkeypatch):
    decoded = []
    decode = ffmpeg_decoder.decode

    def counted(path, number, *others):
        decoded.append(number)
        yield from decode(path, number, *others)

    monkeypatch.setattr(ffmpeg_decoder, "decode", counted)
    stems.read(stem_file)
    assert decoded == [0, 4]


def test_cover_picture_does_not_shift_the_audio_streams(stem_file, song, tmp_path):
    picture, path = tmp_path / "cover.png", tmp_path / "cover.stem.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=16x16", "-frames:v", 1, picture)
    ffmpeg(
        "-i", picture, "-i", stem_file, "-map", "0:v", "-map", "1:a", "-c", "copy",
        "-disposition:v:0", "attached_pic", path,
    )  # fmt: skip
    _, vocals, _ = stems.read(path)
    assert similarity(vocals[: len(song["vocals"])], song["vocals"]) > 0.99


# ------------------------------------------------------------------ unusable files


def test_stem_file_with_too_few_streams_is_an_error(stem_file, tmp_path, rejects):
    path = tmp_path / "two.stem.mp4"
    ffmpeg("-i", stem_file, "-map", "0:a:0", "-map", "0:a:1", "-c", "copy", path)
    with rejects(path, "2 audio stream(s)", "5"):
        stems.check(path)


def test_streams_with_different_channels_are_an_error(stem_file, tmp_path, rejects):
    path = tmp_path / "mixed.stem.mp4"
    maps = [part for number in range(5) for part in ("-map", f"0:a:{number}")]
    ffmpeg("-i", stem_file, *maps, "-c:a:4", "aac", "-ac:a:4", 1, path)
    with rejects(path, "channel"):
        stems.read(path)


@pytest.mark.parametrize("front", [False, True], ids=["index at the end", "index at the start"])
def test_truncated_stem_file_is_an_error(stem_file, tmp_path, rejects, front):
    whole, path = tmp_path / "whole.stem.mp4", tmp_path / "cut.stem.mp4"
    flags = ["-movflags", "faststart"] if front else []
    ffmpeg("-i", stem_file, "-map", "0:a", "-c", "copy", *flags, whole)
    content = whole.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with rejects(path):
        stems.read(path)


@pytest.mark.parametrize("content", [b"", b"This is not audio.\n" * 50])
def test_file_that_is_not_a_stem_file_is_an_error(tmp_path, rejects, content):
    path = tmp_path / "song.stem.mp4"
    path.write_bytes(content)
    with rejects(path):
        stems.read(path)


def test_missing_ffmpeg_is_an_error_with_advice(stem_file, tmp_path, rejects, monkeypatch):
    path = tmp_path / "song.stem.mp4"
    path.write_bytes(stem_file.read_bytes())
    monkeypatch.setenv("PATH", str(tmp_path))
    with rejects(path, "needs ffmpeg", "install"):
        stems.check(path)


# ------------------------------------------------------------------ known facts


def test_official_validation_songs_are_those_of_the_musdb_package():
    assert len(musdb.VALIDATION) == 14
    assert "Actions - One Minute Smile" in musdb.VALIDATION


def test_known_errors_are_those_that_affect_vocals():
    assert set(musdb.ERRATA) == {
        "PR - Oh No", "Chris Durban - Celebrate", "Hop Along - Sister Cities",
    }  # fmt: skip


# ------------------------------------------------------------------ the short sample


def sample(tmp_path, stem_file):
    path = tmp_path / "sample.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(stem_file, "train/A - a.stem.mp4")
        archive.write(stem_file, "test/B - b.stem.mp4")
    return path.read_bytes()


def test_sample_is_downloaded_by_musdb(tmp_path, stem_file, monkeypatch):
    with Server().running() as server:
        server.intercept(monkeypatch)
        server.files[0, "MUSDB18-7-STEMS.zip"] = sample(tmp_path, stem_file)
        musdb.download_sample(tmp_path / "songs")
    assert stems.check(tmp_path / "songs" / "train" / "A - a.stem.mp4")
    assert stems.check(tmp_path / "songs" / "test" / "B - b.stem.mp4")


def test_incomplete_sample_is_an_error_of_one_line(tmp_path, stem_file, monkeypatch, rejects):
    with Server().running() as server:
        server.intercept(monkeypatch)
        server.files[0, "MUSDB18-7-STEMS.zip"] = sample(tmp_path, stem_file)
        server.cuts = [10_000]
        with rejects("MUSDB18-7-STEMS.zip", "run again"):
            musdb.download_sample(tmp_path / "songs")
        server.refusals = [503]
        with rejects("MUSDB18-7-STEMS.zip", "503"):
            musdb.download_sample(tmp_path / "songs")
