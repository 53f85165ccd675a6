"""The STFT of a stream equals librosa's STFT of the whole song, for any blocks."""

import librosa
import numpy as np
import pytest
import soxr

from vocalseg.streaming import DelayBuffer, SampleCounter, analyse, resample, synthesise

LENGTHS = [1, 15, 16, 17, 63, 64, 65, 100, 1000, 1024, 5003, 20000]
CUTS = ["whole", "single samples", "sevens", "uneven", "with empty blocks"]

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large")


def song(rng, samples, channels=2):
    return rng.uniform(-1, 1, (samples, channels)).astype(np.float32)


def cut(waveform, how):
    n = len(waveform)
    if how == "whole":
        return [waveform]
    if how == "single samples":
        first = min(n, 300)
        return [waveform[i : i + 1] for i in range(first)] + [waveform[first:]]
    if how == "sevens":
        return [waveform[i : i + 7] for i in range(0, n, 7)]
    boundaries = np.sort(np.random.default_rng(n).integers(0, n + 1, 5))
    blocks = np.split(waveform, boundaries)
    return blocks if how == "uneven" else [waveform[:0], *blocks, waveform[:0], waveform[:0]]


def round_trip(blocks, size, hop):
    length = SampleCounter()
    spectra = analyse(length.count(blocks), size, hop)
    return np.concatenate(list(synthesise(spectra, hop, length)))


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("samples", LENGTHS)
def test_analysis_equals_the_stft_of_librosa(rng, samples, how):
    waveform = song(rng, samples)
    pieces = list(analyse(cut(waveform, how), 64, 16))
    spectrum = np.concatenate(pieces, axis=1).swapaxes(1, 2)
    expected = librosa.stft(waveform.T, n_fft=64, hop_length=16, window="hann", center=True)
    assert spectrum.shape == expected.shape
    assert spectrum.dtype == np.complex64
    np.testing.assert_allclose(spectrum, expected, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_analysis_with_frames_for_44100_hz_equals_the_stft_of_librosa(rng, channels):
    waveform = song(rng, 100_000, channels)
    pieces = list(analyse(cut(waveform, "uneven"), 4096, 1024))
    spectrum = np.concatenate(pieces, axis=1).swapaxes(1, 2)
    expected = librosa.stft(waveform.T, n_fft=4096, hop_length=1024)
    np.testing.assert_allclose(spectrum, expected, atol=2e-4)


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("samples", LENGTHS)
def test_synthesis_restores_the_song_and_its_length(rng, samples, how):
    waveform = song(rng, samples)
    back = round_trip(cut(waveform, how), 64, 16)
    assert back.shape == waveform.shape
    np.testing.assert_allclose(back, waveform, atol=2e-6)


@pytest.mark.parametrize(("size", "hop"), [(64, 8), (64, 32), (1024, 256), (4096, 1024)])
@pytest.mark.parametrize("samples", [1, 31, 32, 5000, 8191])
def test_synthesis_works_for_all_frame_sizes_and_hops(rng, size, hop, samples):
    waveform = song(rng, samples, 1)
    back = round_trip([waveform], size, hop)
    assert back.shape == waveform.shape
    # If the hop is half the frame, the last samples of a song are at the edge of a window.
    np.testing.assert_allclose(back, waveform, atol=1e-5 if hop < size // 2 else 1e-4)


def test_synthesis_of_masked_spectra_equals_the_inverse_of_librosa(rng):
    waveform = song(rng, 5000, 2)
    spectra = list(analyse(cut(waveform, "uneven"), 64, 16))
    mask = rng.uniform(0, 1, (sum(s.shape[1] for s in spectra), 33)).astype(np.float32)
    masked, at = [], 0
    for spectrum in spectra:
        masked.append(spectrum * mask[at : at + spectrum.shape[1]])
        at += spectrum.shape[1]
    length = SampleCounter()
    length.samples = len(waveform)
    ours = np.concatenate(list(synthesise(masked, 16, length)))
    whole = np.concatenate(masked, axis=1).swapaxes(1, 2)
    expected = librosa.istft(whole, hop_length=16, length=5000).T
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_blocks_are_returned_before_the_whole_song_is_read(rng):
    blocks = cut(song(rng, 20000), "sevens")
    length = SampleCounter()
    spectra = analyse(length.count(blocks), 64, 16)
    first = next(synthesise(spectra, 16, length))
    assert len(first) > 0
    assert length.samples < 20000


def test_counter_counts_samples_and_passes_blocks_through(rng):
    counter = SampleCounter()
    blocks = cut(song(rng, 1234), "uneven")
    passed = list(counter.count(blocks))
    assert counter.samples == 1234
    assert all(a is b for a, b in zip(passed, blocks, strict=True))


# ------------------------------------------------------------------ resampling


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize(("rate", "new_rate"), [(48000, 44100), (8000, 44100), (44100, 96000)])
def test_resampled_stream_equals_the_resampled_song(rng, how, rate, new_rate):
    waveform = song(rng, 20000)
    streamed = np.concatenate(list(resample(cut(waveform, how), rate, new_rate)))
    whole = soxr.resample(waveform, rate, new_rate, quality="HQ")
    assert abs(len(streamed) - len(whole)) <= 1
    common = min(len(streamed), len(whole))
    np.testing.assert_allclose(streamed[:common], whole[:common], atol=1e-5)


def test_resampling_to_the_same_rate_passes_blocks_through(rng):
    blocks = cut(song(rng, 1000), "sevens")
    assert all(a is b for a, b in zip(resample(blocks, 8000, 8000), blocks, strict=True))


# ------------------------------------------------------------------ delay buffer


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("step", [1, 10, 1000])
def test_delay_buffer_returns_samples_in_order_for_any_blocks(rng, how, step):
    waveform = song(rng, 1000)
    buffer = DelayBuffer()
    list(buffer.keep(cut(waveform, how)))
    taken = [buffer.take(step) for _ in range(0, 600, step)]
    assert all(len(piece) == step for piece in taken)
    rest = buffer.take()
    together = np.concatenate([*taken, rest] if len(rest) else taken)
    np.testing.assert_array_equal(together, waveform)
    assert len(buffer.take()) == 0


def test_delay_buffer_returns_no_more_than_it_contains(rng):
    buffer = DelayBuffer(axis=1)
    spectrum = song(rng, 4, 6)
    list(buffer.keep([spectrum[:, :2], spectrum[:, 2:]]))
    np.testing.assert_array_equal(buffer.take(10), spectrum)
