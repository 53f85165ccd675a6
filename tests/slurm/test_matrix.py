"""The matrix on a real SLURM of two nodes, disturbed: nothing lost, nothing half-made."""

import time

import pandas as pd
import pytest
import yaml

from tests.pipeline.test_matrix import Matrix
from tests.slurm.conftest import Submitter, outputs

GRID = {"normalize.axis": ["time", "frequency"], "train.epochs": [2, 50]}
NAMES = [f"{axis}-epochs-{epochs}" for axis in GRID["normalize.axis"] for epochs in (2, 50)]
LOST, CANCELLED = "time-epochs-50", "frequency-epochs-50"
ONCE = {"download", "resample", "stft_tile", "augment", "bounds"}


def wait_for(condition, what: str, seconds: float = 120):
    """Wait until a condition holds and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not in {seconds} s"
        time.sleep(0.1)
    return value


def is_training(site: Submitter, name: str):
    wait_for(lambda: "epoch 3/" in site.log(name), f"{name} trains")


@pytest.mark.slow
def test_a_matrix_outlives_a_node_and_a_cancelled_task(cluster, finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    (tmp_path / "count").mkdir()
    local = Matrix(project, tmp_path / "count")
    local.set(GRID)
    project.commit("Four experiments")
    site = Submitter(project.copy(tmp_path / "site"), tmp_path / "site-count", cluster)
    site.work = tmp_path / "shared"
    site.project.run("git", "clean", "-qfdX")  # neither results nor cache
    settings = {"work": str(site.work), "cache": str(site.work / "cache"),
                "scratch": str(tmp_path / "scratch")}  # fmt: skip
    (site.project.path / "cluster.yaml").write_text(yaml.safe_dump(settings))
    assert site.status() == {name: ["missing"] for name in NAMES}

    first, second = (site.start("--jobs", "2") for _ in range(2))
    is_training(site, LOST)
    state, node, stage, *_ = site.status()[LOST]
    assert (state, stage) == ("running", "epoch")
    cluster.crash(node.rstrip(","))
    job = wait_for(lambda: site.task(LOST), "requeued")
    cluster.start(node.rstrip(","))
    cluster.call("scontrol", "update", f"JobId={job}", "StartTime=now")  # not after two minutes
    is_training(site, CANCELLED)
    cluster.call("scancel", site.task(CANCELLED))
    for status, said in (first.end(), second.end()):
        assert status == 1
        assert f"{CANCELLED} failed:" in said and "CANCELLED" in said
        assert not any(f"{name} failed:" in said for name in NAMES if name != CANCELLED)
    assert site.submissions() == [NAMES]
    assert site.ran() == dict.fromkeys(ONCE, 1) | {
        "normalize": 2,
        "train": 5,
        "eval": 3,
        "report": 3,
    }
    assert f"attempt 2: {LOST}" in site.log(LOST)
    assert site.log(LOST).count("epoch 1/") == 1
    finished_now = site.made()
    assert sorted(finished_now) == sorted(set(NAMES) - {CANCELLED})
    states = site.status()
    assert states.pop(CANCELLED)[0] == "failed"
    assert states == {name: ["done"] for name in finished_now}

    done = site.run("--jobs", "2")
    assert site.submissions() == [NAMES, [CANCELLED]]
    assert site.ran() == {"train": 1, "eval": 1, "report": 1}
    assert "epoch 1/" not in site.log(CANCELLED)
    assert all(name in done.stdout.split("rank", 1)[-1] for name in NAMES)  # the comparison
    made = site.made()
    assert finished_now.items() <= made.items()
    assert not any((tmp_path / "scratch").iterdir())

    local.run("--jobs", "2")
    for name in NAMES:
        by_queue = project.run("git", "show", f"{local.ref(name)}:dvc.lock").stdout
        assert made[name] == outputs(by_queue)
        for md5 in made[name].values():
            assert (site.work / "cache/files/md5" / md5[:2] / md5[2:]).exists()


@pytest.mark.slow
def test_bad_input_fails_one_experiment_of_a_study_each_time(cluster, finished, tmp_path):
    site = Submitter(finished.copy(tmp_path / "project"), tmp_path / "count", cluster)
    rungs = [{"fine": {}}, {"silent": {"augment.min_vocal_l1": 1e9}}]
    params = site.project.params() | {"studies": {"small": {"rungs": rungs}}}
    (site.project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    refused = site.run("--study", "small", check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("params.yaml: not committed")
    site.project.commit("A study")
    site.run("--study", "small", "--detach")
    assert {words[0] for words in site.status("--study", "small").values()} <= {
        "waiting",
        "running",
    }

    failed = site.run("--study", "small", check=False)
    assert failed.returncode == 1
    assert "small-silent failed:" in failed.stderr and "min_vocal_l1" in failed.stderr
    assert site.submissions() == [["small-fine", "small-silent"]]
    states = site.status("--study", "small")
    assert states["small-fine"] == ["done"] and states["small-silent"][0] == "failed"
    assert "min_vocal_l1" in " ".join(states["small-silent"])
    rows = pd.read_csv(site.project.path / "metrics/small.csv")
    assert rows["name"].tolist() == ["small-fine"] and rows["minutes"].notna().all()

    again = site.run("--study", "small", check=False)
    assert again.returncode == 1 and "small-silent failed:" in again.stderr
    assert site.submissions()[1:] == [["small-silent"]]
    assert list(site.made()) == ["small-fine"]
