"""A study on a real SLURM cluster of two nodes keeps its results after failures of all kinds."""

import pandas as pd
import pytest
import yaml

from tests.pipeline.conftest import OWN_PROCESSES
from tests.pipeline.matrix import wait_for
from tests.slurm.conftest import Submitter, outputs

RUNGS = [
    {"plain": {}},
    {"lost": {"normalize.axis": "time", "train.epochs": 4}},
    {"cancelled": {"train.loss": "mse"}},
    {"silent": {"augment.min_vocal_l1": 1e9}},
]
NAMES = [f"small-{step}" for rung in RUNGS for step in rung]
PLAIN, LOST, CANCELLED, SILENT = NAMES
STUDY = ("--study", "small", "--jobs", "2")
ONCE = {"download", "resample", "stft_tile", "bounds"}


def wait_for_training(site: Submitter, name: str):
    wait_for(lambda: "epoch 3/" in site.log(name), f"{name} trains")


@pytest.mark.slow
def test_study_survives_a_crashed_node_a_canceled_task_and_bad_input(cluster, finished, tmp_path):
    site = Submitter(finished.copy(tmp_path / "site"), tmp_path / "site-count", cluster)
    params = site.project.params() | {"studies": {"small": {"rungs": RUNGS}}}
    (site.project.path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    refused = site.run(*STUDY, check=False)
    assert refused.returncode == 1 and refused.stderr.startswith("params.yaml: not committed")
    site.project.commit("Four experiments")
    site.work = tmp_path / "shared"
    site.env["STOP_TRAINING"] = "3"  # a training of four epochs ends in its second attempt
    site.project.run("git", "clean", "-qfdX")  # removes results and cache
    settings = {"work": str(site.work), "cache": str(site.work / "cache"),
                "scratch": str(tmp_path / "scratch")}  # fmt: skip
    (site.project.path / "cluster.yaml").write_text(yaml.safe_dump(settings))
    assert site.status(*STUDY[:2]) == {name: ["missing"] for name in NAMES}
    assert "8 experiments, 0 of them finished" in site.run("--dry-run").stdout  # of `matrix`

    first, second, detached = (site.start(*STUDY, *more) for more in ([], [], ["--detach"]))
    assert detached.end()[0] == 0
    assert {words[0] for words in site.status(*STUDY[:2]).values()} <= {"waiting", "running"}
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
        assert f"{SILENT} failed:" in output and "augment.min_vocal_l1" in output
        assert not any(f"{name} failed:" in output for name in (PLAIN, LOST))
    assert site.submissions() == [NAMES]
    shared = dict.fromkeys(ONCE, 1) | {"normalize": 2, "augment": 2}
    assert site.ran() == shared | {"train": 4, "eval": 2, "report": 2}
    assert f"attempt 2: {LOST}" in site.log(LOST)
    assert site.log(LOST).count("epoch 1/") == 1
    completed = site.checksums()
    assert sorted(completed) == sorted([PLAIN, LOST])
    states = site.status(*STUDY[:2])
    assert states.pop(CANCELLED)[0] == "failed"
    silent = states.pop(SILENT)
    assert silent[0] == "failed" and "augment.min_vocal_l1" in silent
    assert states == {PLAIN: ["done"], LOST: ["done"]}
    table = pd.read_csv(site.project.path / "metrics/small.csv")
    assert table["name"].tolist() == [PLAIN, LOST]
    assert table[["minutes", "precision"]].notna().all(axis=None)

    again = site.run(*STUDY, check=False)
    assert again.returncode == 1
    assert f"{SILENT} failed:" in again.stderr and f"{CANCELLED} failed:" not in again.stderr
    assert site.submissions() == [NAMES, [CANCELLED, SILENT]]
    assert site.ran() == {"augment": 1, "train": 1, "eval": 1, "report": 1}
    assert "epoch 1/" not in site.log(CANCELLED)
    checksums = site.checksums()
    assert completed.items() <= checksums.items() and len(checksums) == 3
    assert not any((tmp_path / "scratch").iterdir())

    for outs in checksums.values():
        for path, md5 in outs.items():
            assert (site.work / "cache/files/md5" / md5[:2] / md5[2:]).exists(), path
    table = pd.read_csv(site.project.path / "metrics/small.csv").set_index("name")
    assert table.index.tolist() == [PLAIN, LOST, CANCELLED]

    # Processes without a cluster and without interruptions give the same results.
    local = finished.copy(tmp_path / "local")
    for name, settings in (
        (PLAIN, {}),
        (LOST, {"normalize": {"axis": "time"}, "train": {"epochs": 4}}),
    ):
        if settings:
            local.set(**settings)
            local.repro(**OWN_PROCESSES)
        assert checksums[name] == outputs((local.path / "dvc.lock").read_text())
        for protocol in ("museval", "global", "table1"):
            score = local.metrics("eval")[protocol]["sdr"]
            assert table.loc[name, f"{protocol}.sdr"] == score
    local.set(train={"loss": "mse"})
    local.repro("train", **OWN_PROCESSES)
    weights = outputs((local.path / "dvc.lock").read_text())["models"]
    assert checksums[CANCELLED]["models"] == weights != checksums[LOST]["models"]
