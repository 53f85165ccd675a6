"""For any input, the command exits with status 0, or with status 2 and one line; no traceback.

Hypothesis draws arguments, file names and damaged bytes; the examples are the same in each run.
"""

import functools
import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests import sounds
from vocalseg import audio, cli, model_file, song_file
from vocalseg.compute import compute_settings
from vocalseg.errors import BadInput
from vocalseg.unet import build_unet

fuzzed = functools.partial(
    settings, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


# ------------------------------------------------------------------ bytes of sound files

PCM = (sounds.sound(0.05) * 32767).astype("<i2").tobytes()
SIZE = len(PCM)

UNCOMPRESSED = {
    "a.wav": sounds.wav(PCM, after=b"LIST" + (4).to_bytes(4, "little") + b"abcd"),
    "rf64.wav": sounds.wav(
        PCM, 2**32 - 1, 2**32 - 1, b"RF64", sounds.ds64(SIZE + 72, SIZE, SIZE // 4)
    ),
    "a.w64": sounds.w64(PCM, SIZE + 128, SIZE + 24),
    "a.aiff": sounds.aiff(PCM, SIZE + 46, SIZE // 4, SIZE + 8),
    "a.au": sounds.au(PCM, SIZE),
    "a.caf": sounds.caf(PCM, SIZE + 4),
}

#: Replaced bytes, mostly in the header (sizes, rates, channels), and the length to cut to.
CHANGES = st.tuples(
    st.lists(
        st.tuples(
            st.integers(0, 120),
            st.one_of(
                st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]),
                st.binary(min_size=1, max_size=8),
            ),
        ),
        max_size=3,
    ),
    st.none() | st.integers(0, 400),
)


def changed(content: bytes, changes) -> bytes:
    replaced, cut = changes
    content = bytearray(content)
    for at, new in replaced:
        content[at : at + len(new)] = new
    return bytes(content[:cut])


def read_by_both(path: Path) -> None:
    """Assert that both readers give the same finite samples, or an error of one line."""
    results = []
    for read in (read_whole, read_blocks):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of soundfile and NumPy
                results.append(read(path))
        except BadInput as error:
            assert "\n" not in str(error) and path.name in str(error)
            results.append(None)
    whole, blocks = results
    if whole is None or blocks is None:
        channels = blocks.shape[1] if whole is None and blocks is not None else 3
        assert whole is blocks or channels > 2  # the command accepts mono and stereo only
        return
    assert np.array_equal(whole, blocks) and len(whole) and np.isfinite(whole).all()


def read_whole(path):
    return audio.read(path)[0]


def read_blocks(path):
    with song_file.opened(path) as song:
        return np.concatenate([np.array(block) for block in song.blocks])


@pytest.mark.parametrize("name", UNCOMPRESSED)
@fuzzed(max_examples=40)
@given(changes=CHANGES)
def test_any_header_of_uncompressed_sound(name, changes, tmp_path):
    path = tmp_path / name
    path.write_bytes(changed(UNCOMPRESSED[name], changes))
    read_by_both(path)


@pytest.fixture(scope="module")
def compressed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compressed")
    sf.write(folder / "a.wav", sounds.sound(0.3), sounds.RATE)
    files = {}
    for name in ("a.flac", "a.mp3", "a.ogg", "a.m4a", "a.mkv"):
        sounds.ffmpeg("-i", folder / "a.wav", *sounds.FORMATS[name], folder / name)
        files[name] = (folder / name).read_bytes()
    return files


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.ogg", "a.m4a", "a.mkv"])
@fuzzed(max_examples=6)
@given(changes=CHANGES)
def test_any_header_of_compressed_sound(name, changes, compressed, tmp_path):
    path = tmp_path / name
    path.write_bytes(changed(compressed[name], changes))
    read_by_both(path)


@fuzzed(max_examples=25)
@given(content=st.binary(max_size=200), magic=st.sampled_from([b"RIFF", b"riff", b"FORM", b".snd"]))
def test_anything_behind_a_magic_number(content, magic, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(magic + content)
    read_by_both(path)


# ------------------------------------------------------------------ arguments


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder of valid and invalid songs and models."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "folder").mkdir()
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no sound\n" * 99)
    (folder / "cut.wav").write_bytes(sounds.wav(PCM)[:-2000])
    (folder / "none.wav").write_bytes(sounds.wav(b""))
    for name in ("good.wav", "....wav", "a\nb.wav", "Größe 🎤 {song}.wav", "-x.wav"):
        (folder / name).write_bytes(sounds.wav(PCM))
    sf.write(folder / "nan.wav", np.full((99, 2), np.nan), 8000, subtype="FLOAT")
    sf.write(folder / "loud.wav", np.full((2000, 1), 1.5), 96_000, subtype="FLOAT")
    sf.write(folder / "many.wav", np.zeros((99, 5)), 44_100)
    (folder / "link.wav").symlink_to(folder / "good.wav")
    (folder / "dangling.wav").symlink_to(folder / "gone.wav")
    network = model_file.Settings(
        sample_rate=11025, frame_size=1024, hop=256, tile_frames=128,
        axis="frequency", scaler="minmax", filters=1, depth=2,
    )  # fmt: skip
    model = build_unet(network.bins, network.tile_frames, network.filters, network.depth)
    model_file.save(folder / "unet.json", model, network, compute_settings("float32"))
    good = (folder / "unet.json").read_text()
    for name, content in {
        "list.json": "[]", "half.json": good[:99], "deep.json": "[" * 100_000,
        "weights.json": good.replace("unet.weights.h5", "folder"),
        "other.json": good.replace('"filters": 1', '"filters": 2'),
        "number.json": good.replace('"unet.weights.h5"', "5"),
    }.items():  # fmt: skip
        (folder / name).write_text(content)
    return folder


SONGS = ["good.wav", "loud.wav", "....wav", "a\nb.wav", "Größe 🎤 {song}.wav", "link.wav",
         "./-x.wav", "folder", "empty.wav", "text.wav", "cut.wav", "none.wav", "nan.wav",
         "many.wav",
         "dangling.wav", "missing.wav", "", ".", "/dev/null", "x" * 300, "nul\0.wav",
         "Bj\udcf6rk.wav", "good.wav/song.wav"]  # fmt: skip
MODELS = ["unet.json", "list.json", "half.json", "deep.json", "weights.json", "other.json",
          "number.json", "folder", "missing.json", "good.wav", "", "x" * 300, "unet.json/x",
          "\0"]  # fmt: skip
OUTPUTS = ["out", "out/new/er", ".", "", "good.wav", "good.wav/out", "x" * 300, "\0", "link.wav",
           "Bj\udcf6rk"]  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["{song}/{stem}", "{song} ({stem})", "{stem}", "{song}", "", "{song.ext}",
                     "{song!r}{stem}", "{stem:>9999999}{song}", "{", "}", "{}", "{0}", "{song[0]}",
                     "../{song}{stem}", "/tmp/{stem}", "{stem}/", "a\nb{stem}", "\0{stem}",
                     "{{{stem}}}", "{stem}/../..", "{stem}" * 60]),
    st.text("{}songtem./:!\0é ", max_size=12),
)  # fmt: skip
OPTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("--overlap"), st.sampled_from(["0", "0.5", "0.7", "-1", "nan", "x", ""])),
        st.tuples(st.just("--format"), st.sampled_from(["wav", "flac", "mp3", "ogg", ""])),
        st.tuples(st.just("--names"), NAMES),
        st.tuples(st.just("--model"), st.sampled_from(MODELS)),
        st.tuples(st.just("--wiener"), st.sampled_from(["0", "1", "-1", "x"])),
        st.tuples(st.just("--precision"), st.sampled_from(["float32", "float16", ""])),
        st.sampled_from([("--overwrite",), ("--partial",), ("--no-extend",), ("--what",), ("-o",)]),
    ),
    max_size=3,
)


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.md5(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


@fuzzed(max_examples=150)
@given(
    songs=st.lists(st.sampled_from(SONGS[:7]) | st.sampled_from(SONGS), max_size=3),
    output=st.sampled_from(OUTPUTS[:2]) | st.sampled_from(OUTPUTS),
    options=OPTIONS,
)
def test_any_arguments(songs, output, options, place, monkeypatch, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    for path in place.iterdir():  # links, so that writing to an input is detected
        (work / path.name).symlink_to(path)
    monkeypatch.chdir(work)
    before = contents(place)
    loaded = _loaded(place)
    monkeypatch.setattr(cli, "load", loaded)
    flat = [part for option in options for part in option]
    arguments = ["separate", "--model", "unet.json", "-o", output, *flat, "--", *songs]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code in (0, 2), (arguments, done.stderr, done.exception)
    assert "Traceback" not in done.stderr
    if done.exit_code:
        assert len(done.stderr.splitlines()) == 1, (arguments, done.stderr)
    assert contents(place) == before
    assert not list(work.rglob("*.part"))


@functools.lru_cache(maxsize=1)
def _loaded(place: Path):
    """The command's `load`, with a cache for the valid model and its options."""
    load, kept = cli.load, {}

    def cached(paths, **options):
        if [path.name for path in paths] != ["unet.json"]:
            return load(paths, **options)
        key = tuple(sorted(options.items()))
        if key not in kept:
            kept[key] = load(paths, **options)
        return kept[key]

    return cached
