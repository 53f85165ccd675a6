"""Output files: atomic writes, limits of formats, and protection of input files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner

from tests import sounds
from tests.test_cli import model  # noqa: F401 (a fixture)
from vocalseg import audio, cli, console, song_file
from vocalseg.errors import BadInput

RATE = sounds.RATE


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    sf.write(path, sounds.sound(0.5), RATE)
    return path


def run(*arguments):
    return CliRunner().invoke(cli.app, ["separate", *map(str, arguments)])


def line(done, status=2):
    """Assert the exit status and that stderr is one line; return this line."""
    assert done.exit_code == status, (done.stderr, done.exception)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def remaining_files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ------------------------------------------------------------------ atomic writes


WRITE_STEMS = """
import resource, sys
from pathlib import Path
import numpy as np
from vocalseg import song_file
from vocalseg.errors import BadInput

song, kind, limit = sys.argv[1:]
targets = {stem: Path("out") / f"{stem}.{kind}" for stem in ("vocals", "accompaniment")}
noise = np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2)).astype(np.float32)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    with song_file.opened(song) as sound, song_file.created(targets, sound) as files:
        for stem in files.values():
            stem.write(noise)
except BadInput as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
@pytest.mark.parametrize("share", [0.3, 0.999], ids=["in the middle", "at the last bytes"])
def test_full_disk_leaves_no_files(song, tmp_path, kind, share):
    def write(limit):
        return subprocess.run(
            [sys.executable, "-c", WRITE_STEMS, song, kind, str(limit)],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip

    assert write(1 << 24).returncode == 0  # a sufficient limit
    smallest = min((tmp_path / "out").iterdir(), key=lambda path: path.stat().st_size)
    limit = int(share * smallest.stat().st_size)
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    (tmp_path / "out").rmdir()
    done = write(limit)
    assert done.returncode == 1 and "cannot be written (File too large)" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert remaining_files(tmp_path) == ["song.wav"] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_interruption_leaves_no_new_files_and_keeps_existing_ones(song, tmp_path, error):
    target = tmp_path / "new/vocals.flac"
    old = tmp_path / "old.flac"
    old.write_text("precious")
    with pytest.raises(error), song_file.opened(song) as sound:
        targets = {"vocals": target, "accompaniment": old}
        with song_file.created(targets, sound) as files:
            files["vocals"].write(sounds.sound())
            raise error
    assert remaining_files(tmp_path) == ["old.flac", "song.wav"] and old.read_text() == "precious"
    assert not target.parent.exists()


def test_error_for_a_damaged_song_names_the_song(model, tmp_path):  # noqa: F811
    sf.write(tmp_path / "source.wav", sounds.sound(), RATE)
    sounds.ffmpeg("-i", tmp_path / "source.wav", tmp_path / "song.flac")
    content = bytearray((tmp_path / "song.flac").read_bytes())
    content[len(content) // 2 :: 500] = bytes(len(content[len(content) // 2 :: 500]))
    (tmp_path / "song.flac").write_bytes(content)
    out = tmp_path / "out"
    message = line(run(tmp_path / "song.flac", "--model", model, "-o", out))
    assert "song.flac: damaged" in message and "--partial" in message and "written" not in message
    assert not out.exists()


def test_partial_option_separates_a_truncated_song(model, tmp_path):  # noqa: F811
    path = tmp_path / "song.wav"
    sf.write(path, sounds.sound(2), RATE)
    path.write_bytes(path.read_bytes()[: 44 + 4 * RATE])
    assert "--partial" in line(run(path, "--model", model, "-o", tmp_path / "out"))
    done = run(path, "--model", model, "-o", tmp_path / "out", "--partial")
    assert "took 1.00 s" in line(done, 0)
    assert sf.info(tmp_path / "out/song/vocals.wav").frames == RATE


def test_song_of_unknown_length_is_separated(model, tmp_path):  # noqa: F811
    sf.write(tmp_path / "source.wav", sounds.sound(), RATE)
    ffmpeg_options = sounds.FORMATS["live.webm"]
    sounds.ffmpeg("-i", tmp_path / "source.wav", *ffmpeg_options, tmp_path / "live.webm")
    done = run(tmp_path / "live.webm", "--model", model, "-o", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (0, "")
    stems = [audio.read(p)[0] for p in sorted((tmp_path / "out/live").iterdir())]
    np.testing.assert_allclose(sum(stems), audio.read(tmp_path / "live.webm")[0], atol=1e-6)


# ------------------------------------------------------------------ limits of formats


@pytest.mark.parametrize(("kind", "clipped"), [("wav", False), ("flac", True), ("mp3", False)])
def test_peaks_above_full_scale_are_kept_or_reported(model, tmp_path, kind, clipped):  # noqa: F811
    path = tmp_path / "loud.wav"
    loud = 5 * sounds.sound(1)
    sf.write(path, loud, RATE, subtype="FLOAT")
    done = run(path, "--model", model, "-o", tmp_path / "out", "--format", kind)
    assert done.exit_code == 0
    assert ("above full scale were clipped" in done.stderr) == clipped
    stems = [audio.read(p)[0] for p in sorted((tmp_path / "out/loud").iterdir())]
    assert (np.abs(sum(stems) - loud).max() < 0.5) == (not clipped)


@pytest.mark.parametrize("samples", [1, 441, 1152, 50_000])
@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_stems_are_as_long_as_the_song(model, tmp_path, kind, samples):  # noqa: F811
    path = tmp_path / "song.wav"
    sf.write(path, sounds.sound(2)[:samples], RATE)
    done = run(path, "--model", model, "-o", tmp_path / "out", "--format", kind)
    assert (done.exit_code, done.stderr) == (0, "")
    assert {len(audio.read(p)[0]) for p in (tmp_path / "out/song").iterdir()} == {samples}


@pytest.mark.parametrize(("kind", "rate"), [("mp3", 96_000), ("mp3", 7999), ("flac", 700_000)])
def test_unsupported_sample_rate_is_reported_before_separation(tmp_path, kind, rate):
    path = tmp_path / "song.wav"
    sf.write(path, sounds.sound(0.1), rate)
    done = run(path, "--model", tmp_path / "none", "-o", tmp_path / "out", "--format", kind)
    message = line(done)
    assert f"{rate} Hz" in message and "--format wav" in message


def test_stems_beyond_four_gibibytes_are_rf64(song, tmp_path):
    with song_file.opened(song) as sound:
        sound.seconds = 4 * 3600.0
        with song_file.created({"vocals": tmp_path / "v.wav"}, sound) as files:
            files["vocals"].write(sounds.sound())
    assert sf.info(tmp_path / "v.wav").format == "RF64"
    assert np.array_equal(audio.read(tmp_path / "v.wav")[0], sounds.sound())


def test_stem_too_large_for_wav_is_an_error_of_one_line(song, tmp_path, monkeypatch, rejects):
    monkeypatch.setattr(song_file, "WAV_BYTES", 1_000_000)
    with (
        rejects(tmp_path / "v.wav", "more than a WAV file can hold"),
        song_file.opened(song) as sound,
        song_file.created({"vocals": tmp_path / "v.wav"}, sound) as files,
    ):
        for _ in range(9):
            files["vocals"].write(sounds.sound())
    assert remaining_files(tmp_path) == ["song.wav"]


# ------------------------------------------------------------------ protection of inputs


@pytest.mark.parametrize(
    "make",
    [
        lambda song, out: os.link(song, out),
        lambda song, out: out.symlink_to(song),
        lambda song, out: song.rename(out) and song.symlink_to(out),
    ],
    ids=["hard link", "symbolic link", "song is a link"],
)
def test_stems_never_overwrite_the_song(tmp_path, song, make):
    out = tmp_path / "out/vocals.wav"
    out.parent.mkdir()
    make(song, out)
    content = song.read_bytes()
    message = line(run(song, "-o", tmp_path / "out", "--names", "{stem}", "--overwrite"))
    assert "is the song" in message
    assert song.read_bytes() == content


def test_song_in_the_output_folder_is_not_replaced(tmp_path, song):
    song.rename(tmp_path / "vocals.wav")
    done = run(tmp_path / "vocals.wav", "-o", tmp_path, "--names", "{stem}", "--overwrite")
    assert "is the song" in line(done)


@pytest.mark.parametrize("names", [("Song", "song"), ("é", "e\N{COMBINING ACUTE ACCENT}")])
def test_names_that_are_equal_on_some_file_systems_are_rejected(tmp_path, song, names):
    songs = [tmp_path / f"{name}.wav" for name in names]
    for path in songs:
        path.write_bytes(song.read_bytes())
    assert "written twice" in line(run(*songs, "-o", tmp_path / "out"))


# ------------------------------------------------------------------ user errors and bugs


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "songs"),
        (["--overlap", "0.7"], "--overlap"),
        (["--format", "ogg"], "--format"),
        (["--names", "{song.ext}"], "--names"),
        (["--names", "../{song}{stem}"], "--names"),
        (["--names", "{song}/{stem}/"], "--names"),
        (["--what"], "--what"),
    ],
)
def test_invalid_options_are_errors_of_one_line(tmp_path, song, arguments, word):
    done = run(*([song] if arguments else []), "-o", tmp_path / "out", *arguments)
    assert word in line(done)


def test_unknown_command_is_an_error_of_one_line():
    assert "divide" in line(CliRunner().invoke(cli.app, ["divide"]))


def test_unexpected_error_prints_a_traceback_and_where_to_report_it(song, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli, "load", broken)
    done = run(song, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr and "RuntimeError: a bug" in done.stderr
    assert done.stderr.splitlines()[-1] == console.REPORT


def test_ctrl_c_prints_one_line(song, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load", interrupted)
    assert "interrupted" in line(run(song, "-o", tmp_path / "out"), 130)


def test_help_into_a_closed_pipe_prints_no_error():
    command = [Path(sys.executable).with_name("vocalseg"), "separate", "--help"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.stderr == "" and done.returncode in (0, 1)


def test_bad_input_is_one_line_for_any_file_name():
    name = os.fsdecode(b"a\nb\xf6\x1b[2J.wav")
    assert str(BadInput(f"{name}: ü 🎤")) == r"a\nb\xf6\x1b[2J.wav: ü 🎤"
