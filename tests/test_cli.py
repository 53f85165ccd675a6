"""`vocalseg separate`: any song, from any folder; bad input gives one line and exit status 2."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile as sf
import stempeg
from typer.testing import CliRunner

from tests.conftest import BFLOAT16
from vocalseg import Separator, model_file
from vocalseg.cli import app
from vocalseg.compute import compute_settings
from vocalseg.unet import build_unet

RATE = 44_100
COMMAND = Path(sys.executable).with_name("vocalseg")


def make_model(folder: Path, filters: int) -> Path:
    """A small network with random weights, saved in the format of the stage `train`."""
    settings = model_file.Settings(
        sample_rate=11025, frame_size=1024, hop=256, tile_frames=128,
        axis="frequency", scaler="minmax", filters=filters, depth=2,
    )  # fmt: skip
    path = folder / "unet.json"
    keras.utils.set_random_seed(1)  # other weights may give silence
    network = build_unet(settings.bins, settings.tile_frames, settings.filters, settings.depth)
    model_file.save(path, network, settings, compute_settings("float32"))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"), filters=1)


@pytest.fixture(scope="module")
def other_model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("other"), filters=2)


def song(path: Path, seconds: float = 1.0, channels: int = 2, rate: int = RATE, **options) -> Path:
    noise = np.random.default_rng(0).standard_normal((round(seconds * rate), channels))
    sf.write(path, 0.1 * noise, rate, **options)
    return path


def run(*arguments) -> object:
    return CliRunner().invoke(app, ["separate", *map(str, arguments)])


def test_installed_command_separates_a_real_excerpt_in_another_working_directory(model, tmp_path):
    excerpt = Path(stempeg.example_stem_path())
    done = subprocess.run(
        [COMMAND, "separate", excerpt, "--model", model, "-o", "out"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "out" / excerpt.stem
    stems = [sf.read(folder / f"{stem}.wav") for stem in ("vocals", "accompaniment")]
    mixture, rate = stempeg.read_stems(str(excerpt), stem_id=0)
    assert {r for _, r in stems} == {rate}
    total = stems[0][0] + stems[1][0]
    assert abs(len(total) - len(mixture)) < 0.1 * rate  # padding of an AAC frame
    size = min(len(total), len(mixture))
    np.testing.assert_allclose(total[:size], mixture[:size], atol=1e-6)
    assert np.abs(stems[0][0]).max() > 0


@pytest.mark.parametrize(
    ("name", "channels", "rate", "options"),
    [
        ("mono.wav", 1, 8000, {}),
        ("stereo.flac", 2, 48_000, {}),
        ("high.wav", 2, 96_000, {"subtype": "FLOAT"}),
        ("lossy.mp3", 2, 44_100, {}),
        ("lossy.ogg", 1, 22_050, {}),
        ("Größe & 🎤.wav", 2, 44_100, {}),
    ],
)
def test_stems_keep_rate_and_channels_and_add_up_to_the_mixture(
    name, channels, rate, options, model, tmp_path
):
    path = song(tmp_path / name, 2.0, channels, rate, **options)
    done = run(path, "--model", model, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    mixture, _ = sf.read(path, always_2d=True)
    parts = [
        sf.read(tmp_path / "out" / path.stem / f"{stem}.wav", always_2d=True)
        for stem in ("vocals", "accompaniment")
    ]
    assert [r for _, r in parts] == [rate, rate]
    tolerance = 1e-5 if path.stem == "lossy" else 1e-6  # MP3 decoders round differently
    np.testing.assert_allclose(parts[0][0] + parts[1][0], mixture, atol=tolerance)


def test_format_and_names_apply_to_several_songs(model, tmp_path):
    songs = [song(tmp_path / f"{name}.wav") for name in "ab"]
    done = run(
        *songs, "--model", model, "-o", tmp_path / "out", "--format", "flac",
        "--names", "{song} ({stem})",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert found == sorted(f"{s} ({t}).flac" for s in "ab" for t in ("vocals", "accompaniment"))


@BFLOAT16
def test_precision_option_selects_bfloat16(model, tmp_path):
    path = song(tmp_path / "a.wav")
    folders = {precision: tmp_path / precision for precision in ("float32", "bfloat16")}
    for precision, folder in folders.items():
        done = run(path, "--model", model, "-o", folder, "--precision", precision)
        assert done.exit_code == 0, done.output
    exact, rounded = (sf.read(folder / "a/vocals.wav")[0] for folder in folders.values())
    assert 0 < np.abs(exact - rounded).max() < 0.02


def test_reconstruct_option_selects_mask_or_estimated_magnitude(model, tmp_path):
    path = song(tmp_path / "a.wav")
    mixture, _ = sf.read(path)
    vocals = {}
    for how in ("mask", "magnitude"):
        done = run(path, "--model", model, "-o", tmp_path / how, "--reconstruct", how)
        assert done.exit_code == 0, done.output
        vocals[how], accompaniment = (
            sf.read(tmp_path / how / f"a/{stem}.wav")[0] for stem in ("vocals", "accompaniment")
        )
        np.testing.assert_allclose(vocals[how] + accompaniment, mixture, atol=1e-6)
        expected, _ = Separator.load(model, output=how).separate(mixture, RATE)
        np.testing.assert_allclose(vocals[how], expected, atol=1e-6)
    assert np.abs(vocals["mask"] - vocals["magnitude"]).max() > 1e-3


def test_wiener_option_refines_stereo_estimates(model, tmp_path):
    path = song(tmp_path / "a.wav")
    mixture, _ = sf.read(path)
    done = run(path, "--model", model, "-o", tmp_path / "out", "--wiener", 2)
    assert done.exit_code == 0, done.output
    vocals, rest = (sf.read(tmp_path / f"out/a/{s}.wav")[0] for s in ("vocals", "accompaniment"))
    np.testing.assert_allclose(vocals + rest, mixture, atol=1e-6)
    expected, _ = Separator.load(model, wiener=2).separate(mixture, RATE)
    np.testing.assert_allclose(vocals, expected, atol=1e-6)
    assert np.abs(vocals - Separator.load(model).separate(mixture, RATE)[0]).max() > 1e-3


def test_wiener_filter_requires_a_mask(model, tmp_path):
    path = song(tmp_path / "a.wav")
    done = run(path, "--model", model, "-o", tmp_path, "--wiener", 1, "--reconstruct", "magnitude")
    assert done.exit_code == 2 and "--wiener takes a mask" in done.stderr


def test_masks_of_several_models_are_averaged(model, other_model, tmp_path):
    path = song(tmp_path / "a.wav")
    done = run(path, "--model", model, "--model", other_model, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    mixture, _ = sf.read(path)
    found, _ = sf.read(tmp_path / "out/a/vocals.wav")
    each = [Separator.load(m).separate(mixture, RATE)[0] for m in (model, other_model)]
    np.testing.assert_allclose(found, sum(each) / 2, atol=1e-5)


def test_song_of_ten_milliseconds_is_separated(model, tmp_path):
    path = song(tmp_path / "click.wav", 0.01)
    assert run(path, "--model", model, "-o", tmp_path / "out").exit_code == 0
    assert sf.info(tmp_path / "out/click/vocals.wav").frames == 441


def text(folder):
    (folder / "bad.wav").write_text("not audio")
    return "not audio that libsndfile or ffmpeg reads"


def empty(folder):
    song(folder / "bad.wav", 0)
    return "no samples"


def nan(folder):
    sf.write(folder / "bad.wav", np.full((100_000, 2), np.nan), RATE, subtype="FLOAT")
    return "NaN"


def nine_channels(folder):
    song(folder / "bad.wav", channels=9)
    return "9 channels"


def missing(folder):
    return "no such file"


@pytest.mark.parametrize("damage", [text, empty, nan, nine_channels, missing])
def test_bad_song_exits_with_one_line_and_status_2_and_writes_nothing(damage, model, tmp_path):
    reason = damage(tmp_path)
    done = run(tmp_path / "bad.wav", "--model", model, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "bad.wav" in done.stderr and reason in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_bad_song_is_reported_before_other_songs_are_separated(model, tmp_path):
    good = song(tmp_path / "good.wav")
    assert run(good, tmp_path / "none.wav", "--model", model, "-o", tmp_path / "out").exit_code == 2
    assert not (tmp_path / "out").exists()


def test_existing_files_are_replaced_only_with_overwrite_option(model, tmp_path):
    path, out = song(tmp_path / "a.wav"), tmp_path / "out"
    target = out / "a/vocals.wav"
    target.parent.mkdir(parents=True)
    target.write_text("precious")
    done = run(path, "--model", model, "-o", out)
    assert done.exit_code == 2 and str(target) in done.stderr and "--overwrite" in done.stderr
    assert target.read_text() == "precious"
    assert run(path, "--model", model, "-o", out, "--overwrite").exit_code == 0
    assert sf.info(target).frames == RATE


def test_unwritable_output_folder_is_an_error_of_one_line(model, tmp_path):
    (tmp_path / "file").write_text("")
    done = run(song(tmp_path / "a.wav"), "--model", model, "-o", tmp_path / "file/out")
    assert done.exit_code == 2 and "cannot be written" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_songs_with_the_same_output_file_are_rejected(model, tmp_path):
    (tmp_path / "x").mkdir()
    songs = song(tmp_path / "a.wav"), song(tmp_path / "x/a.wav")
    done = run(*songs, "--model", model, "-o", tmp_path / "out")
    assert done.exit_code == 2 and "written twice" in done.stderr


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("{"), "damaged"),
        (lambda path: path.write_text(path.read_text().replace('"format": 2', '"format": 9')), "9"),
        (lambda path: path.with_suffix(".weights.h5").write_bytes(b"no"), "damaged"),
        (lambda path: path.unlink(), "no such model"),
    ],
)
def test_damaged_model_is_named_in_the_error(damage, words, model, tmp_path):
    copy = tmp_path / "unet.json"
    for source in (model, model.with_suffix(".weights.h5")):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    damage(copy)
    done = run(song(tmp_path / "a.wav"), "--model", copy, "-o", tmp_path / "out")
    assert done.exit_code == 2 and "unet" in done.stderr and words in done.stderr
    assert not (tmp_path / "out").exists()


def test_installed_command_prints_only_the_error_line(model, tmp_path):
    path = song(tmp_path / "a.wav")
    (tmp_path / "unet.json").write_text("{")
    done = subprocess.run(
        [COMMAND, "separate", path, "--model", tmp_path / "unet.json", "-o", tmp_path / "out"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "unet.json" in done.stderr, done.stderr


def test_command_and_library_give_the_same_vocals(model, tmp_path):
    path = song(tmp_path / "a.wav", 5.0, subtype="FLOAT")
    assert run(path, "--model", model, "-o", tmp_path / "out").exit_code == 0
    waveform, rate = sf.read(path, dtype="float32")
    vocals, _ = Separator.load(model).separate(waveform, rate)
    written, _ = sf.read(tmp_path / "out/a/vocals.wav", dtype="float32")
    np.testing.assert_allclose(written, vocals, atol=1e-6)
