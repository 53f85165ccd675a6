"""Separation against the bare forward pass of its network, and the memory of a long song.

    python -m benchmarks.separation [--hours 2]

Speed: a minute of stereo noise at 44.1 kHz through ``Separator.stream``, at 16 and at 64 filters,
beside the forward pass of as many tiles in the same run. Memory: the peak of a process that
separates a song of ``--hours`` as a stream, above what it had when the model was loaded and warm.
"""

import argparse
import resource
import time

import numpy as np

import stages  # noqa: F401  (puts this folder's src first on the path)
from vocalseg.model_file import Settings
from vocalseg.separator import Separator
from vocalseg.unet import build_unet

RATE = 44_100


def separator(filters: int) -> Separator:
    """The paper's network with random weights."""
    settings = Settings(11025, 1024, 256, 128, "frequency", "minmax", filters, 4)
    return Separator(build_unet(512, 128, filters, 4).predict_on_batch, settings)


def blocks(seconds: int):
    """Stereo noise, a second at a time."""
    rng = np.random.default_rng(0)
    for _ in range(seconds):
        yield 0.1 * rng.standard_normal((RATE, 2), dtype=np.float32)


def run(subject: Separator, seconds: int) -> float:
    """Separate and forget; seconds of computing."""
    start = time.perf_counter()
    for _ in subject.stream(blocks(seconds), RATE):
        pass
    return time.perf_counter() - start


def speed(filters: int, seconds: int) -> None:
    subject = separator(filters)
    calls = 0
    network = subject.network

    def counted(tiles):
        nonlocal calls
        calls += 1
        return network(tiles)

    subject.network = counted
    run(subject, 5)  # warm
    tiles = np.random.default_rng(0).random((subject.batch, 512, 128, 1), np.float32)
    ratios = []
    for _ in range(3):
        calls = 0
        whole = run(subject, seconds)
        start = time.perf_counter()
        for _ in range(calls):
            network(tiles)
        bare = time.perf_counter() - start
        ratios.append((whole / bare, seconds / whole))
    ratio, rate = np.median(ratios, axis=0)
    print(f"{filters} filters: {rate:.1f} s of audio per second, {ratio:.2f} x the forward pass")


def memory(seconds: int) -> None:
    subject = separator(16)
    run(subject, 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = run(subject, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{seconds / 3600:.2g} h of audio in {took / 60:.1f} min: peak {peak / 2**20:.2f} GiB, "
        f"{(peak - before) / 2**10:.0f} MiB above a song of 30 s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=2)
    arguments = parser.parse_args()
    speed(16, 60)
    speed(64, 20)
    memory(round(arguments.hours * 3600))
