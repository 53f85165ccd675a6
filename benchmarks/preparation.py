"""Compare the cost of the preparation with the operations that no implementation can avoid.

    python -m benchmarks.preparation [--minutes 20] [--repeats 3]

Creates synthetic songs (44.1 kHz stereo WAV, four minutes each) in a temporary folder and runs the
stages resample, stft_tile, normalize and augment on them; then the same with twice as many songs.
The floor runs only the unavoidable operations, in two threads: read the bytes, resample with soxr
HQ, transform both stems, write the resampled songs and the tiles. Times are the minimum over the
repeats, memory is the maximum. The time for starting Python and importing modules is measured
separately and subtracted.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
import soxr
import yaml
from scipy.fft import rfft
from scipy.signal.windows import hann

import stages  # noqa: F401  (puts this folder's src first on the path)
from vocalseg.songs import catalog

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("resample", "stft_tile", "normalize", "augment")
RATE, SONG_SECONDS, THREADS = 44_100, 240, 2


def make_songs(project: Path, minutes: float) -> None:
    """Create a project with this repository's code and synthetic songs.

    Parameters
    ----------
    project : Path
        An empty folder.
    minutes : float
        Total duration of the training songs; one short song is added for testing.
    """
    for name in ("stages", "src"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "params.yaml", project)
    raw = project / "data" / "raw"
    time_axis = np.arange(RATE * SONG_SECONDS) / RATE
    tone = 0.2 * np.sin(2 * np.pi * 440 * time_axis)
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, len(tone))
    count = round(minutes * 60 / SONG_SECONDS)
    for number in range(count + 1):
        folder = raw / ("train" if number < count else "test") / f"Song {number:03}"
        folder.mkdir(parents=True)
        length = len(tone) if number < count else 10 * RATE
        vocals = np.stack([tone, np.roll(tone, number)], axis=1)[:length]
        mixture = vocals + np.roll(noise, 1000 * number)[:length, np.newaxis]
        for stem, waveform in (("mixture", mixture), ("vocals", vocals)):
            sf.write(folder / f"{stem}.wav", waveform, RATE, subtype="PCM_16")
    catalog.write(catalog.scan(raw, raw), raw / "catalog.csv")


def in_subprocess(function: Callable, *arguments):
    """Call a function in a new process, so that its memory is not counted for later children."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def run(project: Path, *arguments: str) -> tuple[float, float]:
    """Run Python with some arguments; return wall time in seconds and peak memory in MiB."""
    environment = {**os.environ, "PYTHONPATH": ""}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=project, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"python {' '.join(arguments)}: failed")
    return seconds, usage.ru_maxrss / 1024


def floor(project: Path) -> float:
    """Measure the seconds for only reading, resampling, transforming and writing."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    rate, stft = params["audio"]["sample_rate"], params["stft"]
    window = hann(stft["frame_size"], sym=False).astype(np.float32)
    out = Path(tempfile.mkdtemp(dir=project))

    def prepare(path):
        samples = np.frombuffer(path.read_bytes()[44:], np.int16).reshape(-1, 2)
        mono = (samples[:, 0].astype(np.float32) + samples[:, 1]) / 2**16
        mono = soxr.resample(mono, RATE, rate, quality="HQ")
        (out / f"{path.parent.name} {path.stem}.wav").write_bytes(mono.tobytes())
        if path.parent.parent.name == "train":
            frames = np.lib.stride_tricks.sliding_window_view(mono, stft["frame_size"])
            frames = frames[:: stft["hop"]]
            with (out / f"{path.parent.name} {path.stem}.npy").open("wb") as file:
                for i in range(0, len(frames), 256):  # a block fits the processor's cache
                    spectrum = rfft(frames[i : i + 256] * window, axis=1)
                    file.write(np.abs(spectrum[:, :-1]).tobytes())

    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(prepare, sorted((project / "data" / "raw").rglob("*.wav"))))
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds


def measure(minutes: float, repeats: int) -> pd.DataFrame:
    """Measure all stages and the floor.

    Parameters
    ----------
    minutes : float
        Total duration of the training songs.
    repeats : int

    Returns
    -------
    DataFrame
        ``start`` (seconds to import), ``seconds`` and ``MiB`` of each stage and of ``floor``.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        in_subprocess(make_songs, project, minutes)
        rounds = []
        for _ in range(repeats):
            seconds = in_subprocess(floor, project)
            rows = {"floor": {"start": 0.0, "seconds": seconds, "MiB": np.nan}}
            for stage in STAGES:
                start, _ = run(project, "-c", f"import stages.{stage}")
                seconds, memory = run(project, "-m", f"stages.{stage}")
                rows[stage] = {"start": start, "seconds": seconds, "MiB": memory}
            rounds.append(pd.DataFrame(rows).T)
        by_stage = pd.concat(rounds).groupby(level=0)
        table = by_stage.min()
        table["seconds"] = (table["seconds"] - table["start"]).clip(lower=0)
        table["MiB"] = by_stage["MiB"].max()
        return table.loc[[*STAGES, "floor"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    once, twice = (measure(n * options.minutes, options.repeats) for n in (1, 2))
    sizes = {f"{n * options.minutes:g} min": table for n, table in ((1, once), (2, twice))}
    print(pd.concat(sizes, axis=1).round(1).to_string())
    for label, result in sizes.items():
        seconds = result.loc[list(STAGES), "seconds"].sum()
        print(
            f"{label}: {seconds:.1f} s = {seconds / result.loc['floor', 'seconds']:.2f} x floor, "
            f"peak {result['MiB'].max():.0f} MiB, start at most {result['start'].max():.1f} s"
        )


if __name__ == "__main__":
    main()
