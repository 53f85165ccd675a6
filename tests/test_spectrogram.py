"""The STFT, its inverse and tiles: they equal those of librosa and are invertible."""

import librosa
import numpy as np
import pytest

from vocalseg import spectrogram

FRAME, HOP, TILE = 1024, 256, 128

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large")


def noise(rng, samples):
    return rng.uniform(-1, 1, samples).astype(np.float32)


# ------------------------------------------------------------------ STFT


@pytest.mark.parametrize("samples", [1, 10, 255, 256, 511, 512, 1023, 1024, 5000, 12800, 12801])
def test_inverse_restores_the_waveform(rng, samples):
    waveform = noise(rng, samples)
    spectra = spectrogram.stft(waveform, FRAME, HOP)
    assert spectra.shape == (FRAME // 2 + 1, 1 + samples // HOP)
    assert spectra.dtype == np.complex64
    back = spectrogram.istft(spectra, HOP, samples)
    assert back.shape == (samples,)
    np.testing.assert_allclose(back, waveform, atol=2e-6)


def test_channels_are_transformed_independently(rng):
    stereo = noise(rng, (2, 5000))
    spectra = spectrogram.stft(stereo, FRAME, HOP)
    for channel, spectrum in zip(stereo, spectra, strict=True):
        np.testing.assert_array_equal(spectrum, spectrogram.stft(channel, FRAME, HOP))
    np.testing.assert_allclose(spectrogram.istft(spectra, HOP, 5000), stereo, atol=2e-6)


def test_frame_is_the_transform_of_windowed_samples_around_its_center(rng):
    waveform = noise(rng, 8000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    center = 10 * HOP
    expected = np.fft.rfft(window * waveform[center - FRAME // 2 : center + FRAME // 2])
    np.testing.assert_allclose(spectrogram.stft(waveform, FRAME, HOP)[:, 10], expected, atol=1e-4)


def test_empty_waveform_is_an_error():
    with pytest.raises(ValueError, match="no samples"):
        spectrogram.stft(np.zeros(0, np.float32), FRAME, HOP)


def test_magnitude_times_phase_is_the_spectrogram(rng):
    spectra = spectrogram.stft(noise(rng, 5000), FRAME, HOP)
    spectra[:, 3] = 0
    phase = spectrogram.phase(spectra)
    assert phase.dtype == np.complex64
    np.testing.assert_allclose(np.abs(phase), 1, atol=1e-6)
    np.testing.assert_array_equal(phase[:, 3], 1)
    np.testing.assert_allclose(np.abs(spectra) * phase, spectra, atol=1e-4)


# ------------------------------------------------------------------ tiles


def test_tiles_equal_magnitudes_of_librosa_without_the_highest_bin(rng):
    waveform = noise(rng, 300 * HOP)
    magnitude = np.abs(librosa.stft(waveform, n_fft=FRAME, hop_length=HOP))
    tiles = spectrogram.tiles(np.abs(spectrogram.stft(waveform, FRAME, HOP)), TILE)
    assert magnitude.shape == (513, 301)
    assert tiles.shape == (2, 512, 128)  # 45 frames are left over
    np.testing.assert_allclose(tiles[0], magnitude[:512, :128], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(tiles[1], magnitude[:512, 128:256], rtol=1e-5, atol=1e-5)


def test_tiles_keep_complex_values():
    spectra = np.arange(5 * 7).reshape(5, 7) * (1 + 2j)
    tiles = spectrogram.tiles(spectra, 3)
    np.testing.assert_array_equal(tiles, [spectra[:4, :3], spectra[:4, 3:6]])


def test_song_shorter_than_a_tile_has_no_tiles(rng):
    spectra = spectrogram.stft(noise(rng, 100 * HOP), FRAME, HOP)
    assert spectrogram.tiles(spectra, TILE).shape == (0, 512, 128)


@pytest.mark.parametrize("around", [0, 1, 2, 3])
@pytest.mark.parametrize("off", [-HOP - 1, -HOP, -1, 0, 1])
def test_tile_count_equals_the_number_of_tiles(rng, around, off):
    samples = max(1, around * 16 * 64 + off)
    tiles = spectrogram.tiles(spectrogram.stft(noise(rng, samples), 256, 64), 16)
    assert spectrogram.tile_count(samples, 64, 16) == len(tiles)


def test_tile_is_complete_if_the_song_reaches_its_last_frames_center():
    assert spectrogram.tile_count(127 * HOP, HOP, TILE) == 1
    assert spectrogram.tile_count(127 * HOP - 1, HOP, TILE) == 0


# ------------------------------------------------------------------ waveforms of tiles


def test_waveform_of_a_tile_equals_librosa_with_the_highest_bin_as_zero(rng):
    spectra = spectrogram.stft(noise(rng, 300 * HOP), FRAME, HOP)
    magnitudes = spectrogram.tiles(np.abs(spectra), TILE)
    phases = spectrogram.tiles(spectrogram.phase(spectra), TILE)
    waveforms = spectrogram.tile_waveforms(magnitudes, phases, HOP)
    assert waveforms.shape == (2, 127 * HOP)
    for i, waveform in enumerate(waveforms):
        rows = spectra[:, i * TILE : (i + 1) * TILE].copy()
        rows[512] = 0
        np.testing.assert_allclose(waveform, librosa.istft(rows, hop_length=HOP), atol=1e-5)


def test_waveform_is_restored_inside_a_tile():
    time = np.arange(300 * HOP) / 11025
    waveform = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    spectra = spectrogram.stft(waveform, FRAME, HOP)
    magnitudes = spectrogram.tiles(np.abs(spectra), TILE)
    phases = spectrogram.tiles(spectrogram.phase(spectra), TILE)
    second = spectrogram.tile_waveforms(magnitudes, phases, HOP)[1]
    inside = slice(FRAME, -FRAME)
    expected = waveform[128 * HOP : 255 * HOP]
    np.testing.assert_allclose(second[inside], expected[inside], atol=1e-4)
