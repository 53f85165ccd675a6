"""Parts of the cluster runner that need no cluster: settings, SLURM's output, states."""

from pathlib import Path

import pytest

from study.naming import Experiment
from study.slurm import jobs, settings
from study.slurm.jobs import Job
from study.slurm.states import states
from study.slurm.submission import Submission, tsv_line
from tests.pipeline.conftest import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory for cluster.yaml, with a cache folder that is known without DVC."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "_cache_folder", lambda: Path("/cache"))
    return tmp_path


def test_defaults_are_the_clone_its_cache_and_its_environment(folder):
    found = settings.load(Path("/python"))
    assert found.work == folder / "cluster"
    assert found.repository == found.work / "repository.git"
    assert (found.cache, found.environment) == (Path("/cache"), Path("/python"))
    assert found.scratch == "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}"


def test_committed_example_is_valid_and_contains_every_key(folder):
    text = (ROOT / "cluster.yaml.example").read_text()
    (folder / "cluster.yaml").write_text(text)
    found = settings.load(Path("/python"))
    assert found.trainings == Path("/shared/group/vocalseg/trainings")
    assert found.before[0] == "module load cuda/12.4"
    keys = settings.ClusterFile.model_fields
    assert all(f"\n{key}: " in text or f"\n{key}:\n" in text for key in keys)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("wrok: /a", ["cluster.yaml: wrok: unknown key", "did you mean 'work'"]),
        ("before: module load cuda", ["cluster.yaml: before", "list"]),
        ("scratch: ''", ["cluster.yaml: scratch"]),
        ("scratch: '\"; rm -rf /'", ["cluster.yaml: scratch"]),
        ("- a", ["cluster.yaml: must be a mapping"]),
        ("work: [", ["cluster.yaml: cannot be read as YAML"]),
    ],
)
def test_invalid_file_is_an_error_of_one_line(folder, rejects, text, texts):
    (folder / "cluster.yaml").write_text(text)
    with rejects(*texts):
        settings.load(Path("/python"))


def test_work_folder_that_cannot_be_created_is_an_error_of_one_line(folder, rejects):
    (folder / "file").touch()
    (folder / "cluster.yaml").write_text("work: file/work")
    with rejects("cluster.yaml: work = ", "cannot be created (Not a directory)"):
        settings.make_work_folder(settings.load(Path("/python")))


def test_host_without_slurm_is_an_error_of_one_line(monkeypatch, tmp_path, rejects):
    monkeypatch.setenv("PATH", str(tmp_path))
    with rejects("sbatch: not found"):
        jobs.require_slurm()


def test_output_of_squeue_is_parsed_by_job_and_task():
    found = jobs.parse("a-experiments|3|RUNNING|node1|None\na-once|0|PENDING||Dependency\n")
    assert found == {
        ("a-experiments", 3): Job("RUNNING", "node1", "None"),
        ("a-once", 0): Job("PENDING", "", "Dependency"),
    }


def test_job_refused_by_sbatch_is_an_error_of_one_line(monkeypatch, tmp_path, rejects):
    sbatch = tmp_path / "sbatch"
    sbatch.write_text(
        "#!/bin/sh\necho 'sbatch: error: invalid partition specified: gpu' >&2\nexit 1"
    )
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with rejects("sbatch refused the job", "invalid partition specified: gpu"):
        jobs.submit(["--partition=gpu"])


def test_tab_in_an_argument_is_refused(rejects):
    assert tsv_line(Experiment("a", ("seed=1",))) == "--name\ta\t-S\tseed=1"
    with rejects("params.yaml: matrix", "tab"):
        tsv_line(Experiment("a", ("dataset.root=a\tb",)))


def submission(folder: Path, *names: str) -> Submission:
    (folder / "logs").mkdir(parents=True)
    lines = "".join(f"--name\t{name}\n" for name in names)
    (folder / "experiments.tsv").write_text(lines)
    (folder / "jobs.txt").write_text("7\n")
    return Submission(folder)


def test_state_of_an_experiment_is_that_of_its_task_its_log_or_its_ref(tmp_path):
    old = submission(tmp_path / "c-1", "a", "b", "c", "d")
    new = submission(tmp_path / "c-2", "b", "c")
    old.log("experiments", 0).write_text(
        "epoch 1/2: loss 1.0, validation 2.0\nRunning stage 'eval':\n"
    )
    new.log("experiments", 1).write_text(
        "no space left on device\n\nERROR: failed to reproduce 'train': failed to run\n"
    )
    queue = {
        (old.job("experiments"), 0): Job("RUNNING", "node1", "None"),
        (new.job("experiments"), 0): Job("PENDING", "", "Resources"),
    }
    found = states(["a", "b", "c", "d", "e"], ["a", "b", "c", "e"], [old, new], queue)
    assert found == {
        "a": ("running", "node1, Running stage 'eval'"),
        "b": ("waiting", "Resources"),
        "c": ("failed", "no space left on device"),
        "d": ("done", ""),
        "e": ("missing", ""),
    }


def test_experiment_of_an_incomplete_submission_is_missing(tmp_path):
    incomplete = submission(tmp_path / "c-1", "a")
    (incomplete.folder / "jobs.txt").unlink()
    assert states(["a"], ["a"], [incomplete], {}) == {"a": ("missing", "")}
