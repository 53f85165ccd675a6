"""Measure the memory of scoring by the number of songs and their length.

    python -m benchmarks.scoring [6x20 18x20 1x194 2x194 1x600]

For each argument (number of songs x seconds), creates a project of synthetic test songs in a
temporary folder, with a network of the demo's size and random weights, and runs `bounds` and `eval`
on them. Prints the peak memory of all processes of a stage together (sum of the proportional set
sizes, sampled). The stage chooses the number of processes itself.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil
import soundfile as sf
import yaml

import stages  # noqa: F401  (puts this folder's src first on the path)
from benchmarks.preparation import in_subprocess
from vocalseg import model_file
from vocalseg.songs import catalog
from vocalseg.songs.demo import SAMPLE_RATE, synthesise

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20


def make_project(project: Path, songs: int, seconds: float) -> None:
    """Create a project with code, parameters, songs and a model.

    Parameters
    ----------
    project : Path
        An empty folder.
    songs : int
        The first song is for training, all others are for testing.
    seconds : float
        Duration of a song.
    """
    from vocalseg.compute import compute_settings
    from vocalseg.unet import build_unet

    for name in ("stages", "src"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "params.yaml", project)
    raw = project / "data/raw"
    voices = [synthesise(3, number, seconds) for number in range(min(songs, 6))]
    for number in range(songs):
        folder = raw / ("test" if number else "train") / f"Song {number:03}"
        folder.mkdir(parents=True)
        part = voices[number % len(voices)]
        for stem, waveform in (("mixture", sum(part.values())), ("vocals", part["vocals"])):
            sf.write(folder / f"{stem}.wav", waveform, SAMPLE_RATE, subtype="PCM_16")
    catalog.write(catalog.scan(raw, raw), raw / "catalog.csv")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    shape = {key: params["model"][key] for key in ("filters", "depth")}
    settings = model_file.Settings(
        **params["audio"], **params["stft"], **params["normalize"], **shape
    )
    model = build_unet(settings.bins, settings.tile_frames, settings.filters, settings.depth)
    (project / "models").mkdir()
    model_file.save(project / "models/unet.json", model, settings, compute_settings("float32"))


def run(project: Path, stage: str) -> tuple[float, float]:
    """Run a stage; return wall time in seconds and peak memory in MiB of all its processes."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", f"stages.{stage}"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"stages.{stage}: failed")
    return time.perf_counter() - start, peak / MIB


def memory(pid: int) -> int:
    """Sum the proportional set sizes of a process and its descendants, in bytes."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.Error:  # a process has just ended: skip this sample
        return 0
    return total


def measure(songs: int, seconds: float) -> pd.DataFrame:
    """Measure `bounds` and `eval` on some test songs; columns ``seconds`` and ``MiB``."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        in_subprocess(make_project, project, songs + 1, seconds)
        rows = {}
        for stage in ("resample", "bounds", "eval"):
            rows[stage] = dict(zip(("seconds", "MiB"), run(project, stage), strict=True))
    return pd.DataFrame(rows).T.drop("resample")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "sets", nargs="*", default=["6x20", "18x20", "1x194", "2x194", "1x600"], metavar="NxS",
        help="number of songs x seconds of each",
    )  # fmt: skip
    for name in parser.parse_args().sets:
        songs, seconds = name.split("x")
        for stage, row in measure(int(songs), float(seconds)).iterrows():
            values = f"{row['MiB']:6.0f} MiB {row['seconds']:6.0f} s"
            print(f"{songs:>3} songs of {seconds:>3} s: {stage:6} {values}", flush=True)


if __name__ == "__main__":
    main()
