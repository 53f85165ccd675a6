"""One reader for all formats: it decodes whole songs and rejects incomplete ones."""

import math
import os
import struct
import subprocess
from itertools import pairwise

import numpy as np
import psutil
import pytest
import soundfile as sf

from tests import sounds
from tests.sounds import RATE, SECONDS, aiff, au, caf, decoded, ds64, ffmpeg, w64, wav
from vocalseg import audio, reader, song_file
from vocalseg.errors import BadInput, Incomplete

PCM = (sounds.sound(0.5) * 32767).astype("<i2").tobytes()
SIZE = len(PCM)
SAMPLES = np.frombuffer(PCM, "<i2").reshape(-1, 2) * np.float32(2**-15)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return sounds.write_all(tmp_path_factory.mktemp("sounds"))


def read_both(path, **options):
    """Samples from the readers of the pipeline and of the command, which must agree."""
    whole, rate = audio.read(path, **options)
    with song_file.opened(path, **options) as song:
        blocks = [np.array(block) for block in song.blocks]
    assert song.sample_rate == rate
    assert np.array_equal(np.concatenate(blocks), whole)
    return whole


def assert_both_reject(path, *words):
    for read in (audio.read, read_blocks):
        with pytest.raises(BadInput) as caught:
            read(path)
        line = str(caught.value)
        assert "\n" not in line and path.name in line
        assert all(word in line for word in words), line
    return caught.value


def read_blocks(path):
    with song_file.opened(path) as song:
        for _ in song.blocks:
            pass


# ------------------------------------------------------------------ every format


@pytest.mark.parametrize("name", [*sounds.FORMATS, "video.mp4", "video.mkv"])
def test_every_format_gives_the_samples_that_ffmpeg_decodes(files, name):
    path = files[name]
    read, oracle = read_both(path), decoded(path)
    padding = 0.1 * RATE if path.suffix in (".m4a", ".mp4") else 0
    assert len(oracle) - padding <= len(read) <= len(oracle)
    np.testing.assert_allclose(read, oracle[: len(read)], atol=2**-20)


@pytest.mark.parametrize("name", [n for n in sounds.FORMATS if n.rpartition(".")[2] in
                                  sounds.LOSSLESS or n == "alac.m4a"])  # fmt: skip
def test_lossless_formats_give_the_samples_that_were_written(files, name):
    read = read_both(files[name])
    assert len(read) == SECONDS * RATE
    assert np.abs(read - sounds.sound()).max() <= 2**-15


@pytest.mark.parametrize("name", [*sounds.FORMATS, "video.mp4"])
def test_properties_are_rate_channels_and_length_of_the_decoded_song(files, name):
    length, rate, channels = audio.properties(files[name])
    whole, read_rate = audio.read(files[name])
    assert (rate, channels) == (read_rate, whole.shape[1])
    assert abs(length - len(whole)) <= 0.1 * rate


def test_length_is_nan_if_no_header_contains_it(files):
    with reader.opened(files["live.webm"]) as sound:
        assert math.isnan(sound.seconds)
        assert sum(map(len, sound.blocks)) == SECONDS * 48_000


def test_audio_track_shorter_than_its_video_is_complete(files):
    assert abs(len(read_both(files["video.mkv"])) - SECONDS * RATE) <= 0.1 * RATE


def test_video_without_audio_is_an_error(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-c:v", "mpeg4", tmp_path / "a.mp4")
    assert_both_reject(tmp_path / "a.mp4", "0 audio stream")


# ------------------------------------------------------------------ inaccurate lengths in headers


@pytest.mark.parametrize("order", [1, -1], ids=["loud first", "quiet first"])
def test_vbr_mp3_without_frame_count_is_read_to_its_end(tmp_path, order):
    loud = 0.5 * np.random.default_rng(0).standard_normal((2 * RATE, 2))
    parts = (loud, np.full((2 * RATE, 2), 1e-5))[::order]
    sf.write(tmp_path / "a.wav", np.concatenate(parts), RATE)
    path = tmp_path / "a.mp3"
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "libmp3lame", "-q:a", 4, "-write_xing", 0, path)
    read = read_both(path)
    assert np.array_equal(read, decoded(path))
    assert len(read) >= 4 * RATE
    assert audio.properties(path)[0] == len(read)


@pytest.mark.parametrize("name", ["a.mp3", "noxing.mp3", "a.ogg", "a.opus"])
@pytest.mark.parametrize("between", [b"", b"TAG" + b"x" * 125, bytes(500)])
def test_all_concatenated_streams_of_a_file_are_read(files, tmp_path, name, between):
    content = files[name].read_bytes()
    zeros = between[:1] == b"\0"
    if name.endswith(("ogg", "opus")) or (zeros and name == "noxing.mp3"):
        between = b""  # Ogg streams are adjacent; in MP3 without counts, zeros may be damage
    path = tmp_path / name
    path.write_bytes(content + between + content)
    with reader.opened(path) as sound:
        seconds = sum(map(len, sound.blocks)) / sound.sample_rate
    assert seconds == pytest.approx(2 * SECONDS, abs=0.1)
    read_both(path)


def test_streams_are_converted_to_the_rate_and_channels_of_the_first(files, tmp_path):
    ffmpeg("-i", files["a.wav"], "-ac", 1, "-ar", 22050, tmp_path / "mono.ogg")
    path = tmp_path / "both.ogg"
    path.write_bytes(files["a.ogg"].read_bytes() + (tmp_path / "mono.ogg").read_bytes())
    assert len(read_both(path)) == pytest.approx(2 * SECONDS * RATE, rel=0.02)


def test_tags_at_the_end_of_an_mp3_are_ignored(files, tmp_path):
    content = files["a.mp3"].read_bytes()
    tags = b"APETAGEX" + struct.pack("<IIII", 2000, 40, 1, 0) + bytes(8) + b"TAG" + b"x" * 125
    (tmp_path / "a.mp3").write_bytes(content + tags)
    assert np.array_equal(read_both(tmp_path / "a.mp3"), audio.read(files["a.mp3"])[0])


# ------------------------------------------------------------------ wrong sizes in headers

STREAMED = {
    "sox": wav(PCM, 0x7FFFF024, 0x7FFFF000),
    "arecord": wav(PCM, 0x80000024, 0x80000000),
    "ffmpeg": wav(PCM, 0xFFFFFFFF, 0xFFFFFFFF),
    "crashed recorder": wav(PCM, 0, 0),
    "crashed recorder with its RIFF size": wav(PCM, 36, 0),
    "RIFF size 0": wav(PCM, 0),
    "RIFF size 8 too large": wav(PCM, SIZE + 44),
    "RIFF size 16 too large": wav(PCM, SIZE + 52),
    "data size 16 too large": wav(PCM, SIZE + 36, SIZE + 16),
    "data size of the whole file": wav(PCM, SIZE + 36, SIZE + 44),
    "outdated header": wav(PCM, SIZE // 4 + 36, SIZE // 4),
    "metadata at the end": wav(PCM, after=b"LIST" + struct.pack("<I", 4) + b"abcd"),
    "truncated metadata": wav(PCM, SIZE + 200, after=b"LIST" + struct.pack("<I", 8) + b"abcd"),
    "RF64": wav(PCM, 2**32 - 1, 2**32 - 1, b"RF64", ds64(SIZE + 72, SIZE, SIZE // 4)),
    "RF64 without sizes": wav(PCM, 2**32 - 1, 2**32 - 1, b"RF64", ds64(0, 0, 0)),
    "RF64 without ds64": wav(PCM, 2**32 - 1, 2**32 - 1, b"RF64"),
    "BW64": wav(PCM, 2**32 - 1, 2**32 - 1, b"BW64", ds64(SIZE + 72, SIZE, 0)),
    "W64 without sizes": w64(PCM, 0, 0),
    "W64 with an empty chunk": w64(PCM, 0, 24),
    "W64 from a pipe": w64(PCM, 2**64 - 1, 2**64 - 1),
    "AIFF without sizes": aiff(PCM, 0, 0, 0),
    "AIFF with an empty chunk": aiff(PCM, 46, 0, 8),
    "AIFF from a pipe": aiff(PCM, 0x7FFFF02E, 0x1FFFFC00, 0x7FFFF008),
    "AIFF with -1": aiff(PCM, 2**32 - 1, 2**32 - 1, 2**32 - 1),
    "FORM size 8 too large": aiff(PCM, SIZE + 54, SIZE // 4, SIZE + 8),
    "AU from a pipe": au(PCM, 2**32 - 1),
    "AU without its size": au(PCM, 0),
    "CAF from a pipe": caf(PCM, -1),
}


@pytest.mark.parametrize("name", STREAMED)
def test_all_samples_are_read_despite_wrong_sizes_in_the_header(tmp_path, name):
    path = tmp_path / "song.wav"
    path.write_bytes(STREAMED[name])
    assert np.array_equal(read_both(path), SAMPLES)
    assert audio.properties(path) == (len(SAMPLES), RATE, 2)


def test_missing_pad_byte_is_tolerated(tmp_path):
    path = tmp_path / "odd.wav"
    sf.write(path, sounds.sound(0.5, channels=1)[:2001], RATE, subtype="PCM_24")
    content = path.read_bytes()[: 44 + 3 * 2001]
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 7) + content[8:])
    assert len(read_both(path)) == 2001


@pytest.mark.parametrize("kind", ["wrapped", "unknown"])
def test_length_of_a_wav_beyond_four_gibibytes_is_correct(tmp_path, kind):
    path, size = tmp_path / "large.wav", 2**32 + 400
    riff, data = ((size + 36) % 2**32, size % 2**32) if kind == "wrapped" else (2**32 - 1,) * 2
    with path.open("wb") as file:
        file.write(wav(b"", riff, data))
        file.seek(44 + size - SIZE)  # the file is sparse and takes no space
        file.write(PCM)
    assert audio.properties(path) == (size // 4, RATE, 2)


# ------------------------------------------------------------------ truncated files


CUT = {
    "wav": wav(PCM)[: SIZE // 2],
    "wav without its last ten samples": wav(PCM)[:-40],
    "rf64": STREAMED["RF64"][: SIZE // 2],
    "w64": w64(PCM, SIZE + 128, SIZE + 24)[: SIZE // 2],
    "aiff": aiff(PCM, SIZE + 46, SIZE // 4, SIZE + 8)[: SIZE // 2],
    "au": au(PCM, SIZE)[: SIZE // 2],
    "caf": caf(PCM, SIZE + 4)[: SIZE // 2],
}


@pytest.mark.parametrize("name", CUT)
def test_truncated_uncompressed_files_are_errors_of_one_line(tmp_path, name):
    path = tmp_path / "song.wav"
    path.write_bytes(CUT[name])
    assert isinstance(assert_both_reject(path, "cut off"), Incomplete)
    with pytest.raises(BadInput, match="cut off"):
        audio.properties(path)
    with pytest.warns(UserWarning, match="took"):
        part, _ = audio.read(path, partial=True)
    assert 0 < len(part) < len(SAMPLES)
    assert np.array_equal(part, SAMPLES[: len(part)])


COMPRESSED = [
    "a.flac", "a.mp3", "noxing.mp3", "a.ogg", "a.opus", "front.m4a", "a.webm", "live.webm",
    "a.mkv", "a.mka", "a.flv", "a.aac", "a.avi", "a.wma", "a.wv",
]  # fmt: skip


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("share", [0.5, 0.85])
def test_truncated_compressed_files_are_errors_of_one_line(files, tmp_path, name, share):
    content = files[name].read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(share * len(content))])
    assert isinstance(assert_both_reject(path), Incomplete)
    with pytest.warns(UserWarning, match="took"):
        part, rate = audio.read(path, partial=True)
    assert share - 0.25 < len(part) / rate / SECONDS < share + 0.1
    # no block is a copy of the previous one
    seconds = [part[at : at + rate // 4] for at in range(0, len(part) - rate // 4, rate // 4)]
    assert not any(np.array_equal(a, b) for a, b in pairwise(seconds))


def test_m4a_without_its_index_is_an_error_of_one_line(files, tmp_path):
    content = files["a.m4a"].read_bytes()
    (tmp_path / "a.m4a").write_bytes(content[: len(content) // 2])
    assert_both_reject(tmp_path / "a.m4a")


@pytest.mark.parametrize(
    "name", ["a.flac", "a.mp3", "noxing.mp3", "a.ogg", "a.opus", "a.m4a", "a.mkv", "a.flv"]
)
@pytest.mark.parametrize("kind", ["hole", "noise", "flipped bits"])
def test_damaged_files_are_errors_of_one_line(files, tmp_path, name, kind):
    content = bytearray(files[name].read_bytes())
    middle = len(content) // 2
    if kind == "hole":
        content[middle : middle + 4000] = bytes(4000)
    elif kind == "noise":
        content[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    else:
        for at in range(middle // 2, middle * 3 // 2, 211):
            content[at] ^= 0x5A
    path = tmp_path / name
    path.write_bytes(content)
    assert_both_reject(path)


def test_many_messages_of_ffmpeg_do_not_block_the_reader(tmp_path):
    path = tmp_path / "long.m4a"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=60:a=0.3:r=44100", "-ac", 2, "-b:a", "256k", path)
    content = bytearray(path.read_bytes())
    noise = np.random.default_rng(0).integers(5000, len(content) - 60_000, len(content) // 150)
    for at in noise:
        content[at] ^= 0x5A
    path.write_bytes(content)
    messages = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"], capture_output=True
    ).stderr
    assert len(messages) > 1 << 16  # more than the buffer of a pipe
    assert_both_reject(path, "damaged")


# ------------------------------------------------------------------ names, other paths


@pytest.mark.parametrize(
    "name",
    ["Mix: one", "http: two", "-v", "100%d", "a\nb", "'q' \"r\"", "a,b;c|d", "ü🎤", "x" * 240],
)
def test_files_with_any_name_can_be_read(files, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for source in ("a.m4a", "a.wav"):
        path = tmp_path / f"{name}{files[source].suffix}"
        path.write_bytes(files[source].read_bytes())
        read_both(path)
        read_both(path.relative_to(tmp_path))


def test_name_that_is_not_utf_8_is_an_error_of_one_line(tmp_path):
    path = tmp_path / os.fsdecode(b"Bj\xf6rk.wav")
    path.write_bytes(wav(PCM))
    with pytest.raises(BadInput, match=r"Bj\\xf6rk.wav: its name is not UTF-8; rename"):
        audio.read(path)


@pytest.mark.parametrize("name", ["x" * 300, "nul\0", "missing", "folder", "pipe", "loop"])
def test_paths_that_are_not_files_are_errors_of_one_line(tmp_path, name):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    if name == "pipe":
        os.mkfifo(path)
    if name == "loop":
        path.symlink_to(path)
    for read in (audio.read, audio.properties, read_blocks):
        with pytest.raises(BadInput) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def running():
    """Identifiers of the processes of ffmpeg that this process has started."""
    return {child.pid for child in psutil.Process().children() if child.name() == "ffmpeg"}


def test_no_process_is_left_if_reading_stops_early(files):
    before = running()
    with reader.opened(files["a.mp3"]) as sound:
        next(sound.blocks)
        assert running() - before
        sound.blocks.close()
    assert running() <= before


@pytest.mark.parametrize("opened", [reader.opened, song_file.opened])
def test_no_process_is_left_if_a_song_is_abandoned(files, opened):
    before = running()
    with pytest.raises(KeyError), opened(files["a.mp3"]) as sound:
        next(sound.blocks)
        raise KeyError
    assert running() <= before  # although ``sound`` still refers to the blocks
