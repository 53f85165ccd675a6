"""The script of a task, run without SLURM, leaves no incomplete results on a full disk."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from study import plan
from study.plan import EXPERIMENTS
from study.slurm import bare_repository, settings, submission
from tests.pipeline.conftest import OWN_PROCESSES
from tests.pipeline.matrix import Matrix

FOLDERS = ("work", "cache", "scratch")


@pytest.mark.skipif(sys.platform != "linux", reason="fills a small file system on Linux")
@pytest.mark.parametrize(("full", "cached"), [("scratch", True), ("cache", False)])
def test_full_disk_leaves_no_ref_and_no_clone(project, tmp_path, monkeypatch, full, cached):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this system does not allow tests to mount a file system")
    Matrix(project, tmp_path).set({"train.loss": ["mae", "mse"]})
    project.commit("Two losses")
    folders = {name: str(tmp_path / name) for name in FOLDERS}
    (project.path / "cluster.yaml").write_text(yaml.safe_dump(folders))
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    if cached:
        shutil.copytree(project.path / ".dvc/cache", tmp_path / "cache", dirs_exist_ok=True)
    monkeypatch.chdir(project.path)
    cluster, commit = settings.load(Path(sys.prefix)), bare_repository.clean_head()
    bare_repository.publish(cluster.repository, commit)
    waves = {EXPERIMENTS: plan.load_matrix(None).waves(["mse"])[EXPERIMENTS]}
    folder = submission.write(cluster, commit, waves).folder

    script = (
        f"mount -t tmpfs -o size=1m none '{folders[full]}'; bash '{folder}/task.sh' '{folder}' "
        f"{EXPERIMENTS}; echo \"status $?, left: $(ls '{folders['scratch']}')\""
    )
    numbers = {"SLURM_ARRAY_JOB_ID": "1", "SLURM_ARRAY_TASK_ID": "0"}
    done = project.run("unshare", "-rm", "bash", "-c", script, **numbers, **OWN_PROCESSES)
    messages = "No space left on device", "unable to write file"  # git prints the second
    assert any(message in done.stdout + done.stderr for message in messages)
    assert done.stdout.endswith("left: \n") and "status 0" not in done.stdout
    assert bare_repository.fetch(cluster.repository, commit) == {}
