"""A matrix on a real SLURM cluster of two nodes keeps its results after failures."""

import time

import pandas as pd
import pytest
import yaml

from tests.pipeline.matrix import Matrix
from tests.slurm.conftest import Submitter, outputs

RUNGS = [
    {"plain": {}},
    {"lost": {"normalize.axis": "time", "train.epochs": 50}},
    {"cancelled": {"train.loss": "mse"}},
]
NAMES = [f"small-{step}" for rung in RUNGS for step in rung]
PLAIN, LOST, CANCELLED = NAMES
STUDY = ("--study", "small", "--jobs", "2")
ONCE = {"download", "resample", "stft_tile", "augment", "bounds"}


def wait_for(condition, what: str, seconds: float = 120):
    """Wait until a condition holds and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: timed out after {seconds} s"
        time.sleep(0.1)
    return value


def wait_for_training(site: Submitter, name: str):
    wait_for(lambda: "epoch 3/" in site.log(name), f"{name} trains")


@pytest.mark.slow
def test_study_recovers_from_a_crashed_node_and_a_canceled_task(cluster, finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    (tmp_path / "count").mkdir()
    local = Matrix(project, tmp_path / "count")
    params = project.params() | {"studies": {"small": {"rungs": RUNGS}}}
    (project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    site = Submitter(project.copy(tmp_path / "site"), tmp_path / "site-count", cluster)
    refused = site.run(*STUDY, check=False)
    assert refused.returncode == 1 and refused.stderr.startswith("params.yaml: not committed")
    for one in (local, site):
        one.project.commit("Three experiments")
    site.work = tmp_path / "shared"
    site.project.run("git", "clean", "-qfdX")  # removes results and cache
    settings = {"work": str(site.work), "cache": str(site.work / "cache"),
                "scratch": str(tmp_path / "scratch")}  # fmt: skip
    (site.project.path / "cluster.yaml").write_text(yaml.safe_dump(settings))
    assert site.status(*STUDY[:2]) == {name: ["missing"] for name in NAMES}

    first, second = (site.start(*STUDY) for _ in range(2))
    wait_for_training(site, LOST)
    state, node, stage, *_ = site.status(*STUDY[:2])[LOST]
    assert (state, stage) == ("running", "epoch")
    cluster.crash(node.rstrip(","))
    job = wait_for(lambda: site.task(LOST), "requeued")
    cluster.start(node.rstrip(","))
    cluster.call("scontrol", "update", f"JobId={job}", "StartTime=now")  # instead of in two minutes
    wait_for_training(site, CANCELLED)
    cluster.call("scancel", site.task(CANCELLED))
    for status, output in (first.end(), second.end()):
        assert status == 1
        assert f"{CANCELLED} failed:" in output and "CANCELLED" in output
        assert not any(f"{name} failed:" in output for name in (PLAIN, LOST))
    assert site.submissions() == [NAMES]
    shared = dict.fromkeys(ONCE, 1) | {"normalize": 2}
    assert site.ran() == shared | {"train": 4, "eval": 2, "report": 2}
    assert f"attempt 2: {LOST}" in site.log(LOST)
    assert site.log(LOST).count("epoch 1/") == 1
    completed = site.checksums()
    assert sorted(completed) == sorted([PLAIN, LOST])
    states = site.status(*STUDY[:2])
    assert states.pop(CANCELLED)[0] == "failed"
    assert states == {PLAIN: ["done"], LOST: ["done"]}
    table = pd.read_csv(site.project.path / "metrics/small.csv")
    assert table["name"].tolist() == [PLAIN, LOST]
    assert table[["minutes", "precision"]].notna().all(axis=None)

    site.run(*STUDY)
    assert site.submissions() == [NAMES, [CANCELLED]]
    assert site.ran() == {"train": 1, "eval": 1, "report": 1}
    assert "epoch 1/" not in site.log(CANCELLED)
    checksums = site.checksums()
    assert completed.items() <= checksums.items() and len(checksums) == 3
    assert not any((tmp_path / "scratch").iterdir())

    local.run(*STUDY)
    for name in NAMES:
        local_lock = project.run("git", "show", f"{local.ref(name)}:dvc.lock").stdout
        assert checksums[name] == outputs(local_lock)
        for path, md5 in checksums[name].items():
            assert (site.work / "cache/files/md5" / md5[:2] / md5[2:]).exists(), path
    times = ["minutes", "cpu_minutes"]
    tables = [pd.read_csv(one.project.path / "metrics/small.csv") for one in (local, site)]
    pd.testing.assert_frame_equal(*(one.drop(columns=times) for one in tables))


@pytest.mark.slow
def test_only_the_experiment_with_bad_input_fails_and_is_resubmitted(cluster, finished, tmp_path):
    site = Submitter(finished.copy(tmp_path / "project"), tmp_path / "count", cluster)
    site.set({"augment.min_vocal_l1": [1.0, 1e9]})
    site.project.commit("Songs without vocals")
    fine, silent = "min_vocal_l1-1.0", "min_vocal_l1-1000000000.0"
    site.run("--detach")
    assert {words[0] for words in site.status().values()} <= {"waiting", "running"}

    failed = site.run(check=False)
    assert failed.returncode == 1
    assert f"{silent} failed:" in failed.stderr and "augment.min_vocal_l1" in failed.stderr
    assert site.submissions() == [[fine, silent]]
    states = site.status()
    assert states[fine] == ["done"] and states[silent][0] == "failed"
    assert "augment.min_vocal_l1" in states[silent]

    again = site.run(check=False)
    assert again.returncode == 1 and f"{silent} failed:" in again.stderr
    assert site.submissions()[1:] == [[silent]]
    assert list(site.checksums()) == [fine]
