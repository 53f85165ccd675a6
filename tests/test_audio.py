"""Audio files are read and written without loss; unusable files raise one-line errors."""

import time

import librosa
import numpy as np
import pytest
import soundfile as sf

from vocalseg import audio

RATE = 11025
NAMES = ["two words.wav", "Björk – Jóga.wav", "🎤 live.wav", "it's #1, 100%.wav"]


def noise(rng, samples=RATE, channels=2):
    return rng.uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)


def tone(hertz, rate, seconds=1.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def cut_in_half(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


# ------------------------------------------------------------------ write and read


@pytest.mark.parametrize("channels", [1, 2])
def test_write_and_read_preserve_samples_exactly(tmp_path, rng, channels):
    waveform = 3 * noise(rng, channels=channels)  # exceeds full scale, which must not be clipped
    audio.write(tmp_path / "a.wav", waveform, RATE)
    read, rate = audio.read(tmp_path / "a.wav")
    assert np.array_equal(read, waveform)
    assert (read.dtype, rate) == (np.float32, RATE)


def test_one_dimensional_waveform_is_written_as_mono(tmp_path, rng):
    waveform = noise(rng, channels=1)[:, 0]
    audio.write(tmp_path / "a.wav", waveform, RATE)
    assert np.array_equal(audio.read(tmp_path / "a.wav")[0], waveform[:, np.newaxis])


def test_files_are_written_as_float_wav(tmp_path, rng):
    audio.write(tmp_path / "new" / "folder" / "a.wav", noise(rng), RATE)
    info = sf.info(tmp_path / "new" / "folder" / "a.wav")
    assert (info.format, info.subtype) == ("WAV", "FLOAT")


def test_files_written_at_different_times_have_the_same_bytes(tmp_path, rng):
    waveform = noise(rng)
    audio.write(tmp_path / "a.wav", waveform, RATE)
    time.sleep(1.1)  # libsndfile would write another timestamp into the header
    audio.write(tmp_path / "b.wav", waveform, RATE)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_file_names_may_contain_spaces_umlauts_and_emoji(tmp_path, rng, name):
    waveform = noise(rng, 100)
    audio.write(tmp_path / name, waveform, RATE)
    assert np.array_equal(audio.read(tmp_path / name)[0], waveform)
    assert audio.properties(tmp_path / name) == (100, RATE, 2)


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("a.wav", "PCM_16", 2**-15),
        ("a.wav", "PCM_24", 2**-23),
        ("a.wav", "FLOAT", 0),
        ("a.flac", "PCM_16", 2**-15),
        ("a.flac", "PCM_24", 2**-23),
    ],
)
def test_lossless_formats_are_read_with_full_resolution(tmp_path, rng, name, subtype, step):
    waveform = noise(rng)
    sf.write(tmp_path / name, waveform, RATE, subtype=subtype)
    read, rate = audio.read(tmp_path / name)
    assert rate == RATE
    assert read.dtype == np.float32
    assert np.abs(read - waveform).max() <= step
    assert audio.properties(tmp_path / name) == (*waveform.shape[:1], RATE, 2)


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg"])
def test_lossy_formats_are_read(tmp_path, name):
    rate = 44100
    waveform = np.stack([tone(440, rate), tone(660, rate)], axis=1).astype(np.float32)
    sf.write(tmp_path / name, waveform, rate)
    read, read_rate = audio.read(tmp_path / name)
    assert read_rate == rate
    assert read.shape[1] == 2
    assert abs(len(read) - len(waveform)) < 0.1 * rate
    for channel, hertz in enumerate((440, 660)):
        middle = read[rate // 4 : rate // 4 + rate // 2, channel]
        spectrum = np.abs(np.fft.rfft(middle)) / len(middle)
        assert 2 * spectrum.argmax() == hertz  # half a second, so bins are 2 Hz wide
        assert spectrum.max() == pytest.approx(0.25, rel=0.05)


# ------------------------------------------------------------------ mix down and resample


def test_mono_is_the_mean_of_the_channels():
    stereo = np.array([[1, 0], [0.5, -0.5], [-1, -0.5]], np.float32)
    mono = audio.to_mono(stereo)
    assert np.array_equal(mono, np.array([0.5, 0, -0.75], np.float32))
    assert mono.dtype == np.float32


@pytest.mark.parametrize(("rate", "new_rate"), [(44100, 11025), (48000, 11025), (8000, 44100)])
def test_resampling_equals_librosas_default(rng, rate, new_rate):
    waveform = noise(rng, 20011, 1)[:, 0]
    ours = audio.resample(waveform, rate, new_rate)
    theirs = librosa.resample(waveform, orig_sr=rate, target_sr=new_rate, res_type="soxr_hq")
    assert abs(len(ours) - len(theirs)) <= 1
    common = min(len(ours), len(theirs))
    np.testing.assert_allclose(ours[:common], theirs[:common], atol=1e-6)


@pytest.mark.parametrize(("rate", "new_rate"), [(44100, 11025), (48000, 11025), (22050, 44100)])
def test_resampling_preserves_frequency_level_and_phase_of_a_tone(rate, new_rate):
    resampled = audio.resample(tone(440, rate), rate, new_rate)
    expected = tone(440, new_rate)
    assert len(resampled) == len(expected)
    middle = slice(new_rate // 10, -new_rate // 10)
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=1e-4)


def test_resampling_removes_frequencies_above_the_new_nyquist_frequency():
    resampled = audio.resample(tone(8000, 44100), 44100, 11025)
    assert np.abs(resampled[1000:-1000]).max() < 1e-4


def test_channels_are_resampled_independently(rng):
    waveform = noise(rng, 5000)
    together = audio.resample(waveform, 44100, 11025)
    for channel in range(2):
        alone = audio.resample(waveform[:, channel], 44100, 11025)
        np.testing.assert_allclose(together[:, channel], alone, atol=1e-6)


def test_resampling_to_the_same_rate_changes_nothing(rng):
    waveform = noise(rng, 100)
    assert np.array_equal(audio.resample(waveform, RATE, RATE), waveform)


# ------------------------------------------------------------------ files that cannot be used


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_truncated_wav_is_an_error(tmp_path, rng, rejects, subtype):
    path = tmp_path / "cut.wav"
    sf.write(path, noise(rng), RATE, subtype=subtype)
    cut_in_half(path)
    for reader in (audio.read, audio.properties):
        with rejects(path, "cut off"):
            reader(path)


def test_truncated_flac_is_an_error(tmp_path, rng, rejects):
    path = tmp_path / "cut.flac"
    sf.write(path, noise(rng, 5 * RATE), RATE)
    cut_in_half(path)
    with rejects(path):
        audio.read(path)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
@pytest.mark.parametrize("content", [b"", b"This is not audio.\n" * 50, b"RIFF"])
def test_a_file_that_is_not_audio_is_an_error(tmp_path, rejects, suffix, content):
    path = tmp_path / f"song.{suffix}"
    path.write_bytes(content)
    for reader in (audio.read, audio.properties):
        with rejects(path):
            reader(path)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_without_samples_is_an_error(tmp_path, rejects, suffix):
    path = tmp_path / f"silent.{suffix}"
    sf.write(path, np.zeros((0, 2)), RATE)
    with rejects(path):
        audio.read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_samples_are_an_error(tmp_path, rng, rejects, value):
    path = tmp_path / "broken.wav"
    waveform = noise(rng)
    waveform[17, 1] = value
    audio.write(path, waveform, RATE)
    with rejects(path, "NaN or infinite"):
        audio.read(path)


@pytest.mark.parametrize("name", ["missing.wav", *NAMES])
def test_missing_file_is_named_in_the_error(tmp_path, rejects, name):
    with rejects(tmp_path / name):
        audio.read(tmp_path / name)


def test_streamed_wav_without_length_in_its_header_is_read(tmp_path, rng):
    path = tmp_path / "streamed.wav"
    waveform = noise(rng)
    sf.write(path, waveform, RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    read, _ = audio.read(path)
    assert len(read) == len(waveform)
