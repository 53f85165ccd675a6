"""Measure the overhead of an experiment on a cluster and of a bare repository with many refs.

    python -m benchmarks.slurm [8 32 128]

Starts a SLURM cluster of two nodes with one processor each on this host, with a shared cache and a
bare repository. An experiment is one stage that copies params.yaml, so the measured time is that of
SLURM, the clone, the check of the node's libraries, `dvc exp run` and the push. Afterwards, the git
commands of a task and of the waiting command are measured, with these refs and with ten thousand.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from stages import inputs
from study.repository import EXPERIMENTS, git
from study.slurm import bare_repository, runner
from tests.slurm.cluster import Cluster

ROOT = Path(__file__).resolve().parents[1]
MANY_REFS = 10_000


def commit_pipeline(seeds: int) -> None:
    """Commit a pipeline of one fast stage and a matrix of seeds to the clone in this folder."""
    stages = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    tiny = {
        "cmd": "cp params.yaml metrics/train.json",
        "deps": ["inputs/train.json"],
        "params": ["seed"],
        "outs": [{"metrics/train.json": {"cache": False}}],
    }
    text = yaml.safe_dump({"stages": {"inputs": stages["inputs"], "train": tiny}})
    Path("dvc.yaml").write_text(text)
    params = yaml.safe_load(Path("params.yaml").read_text())
    params |= {"matrix": {"seed": list(range(seeds))}, "studies": {}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    git("rm", "-q", "--cached", "--ignore-unmatch", "-r", "metrics", "dvc.lock")
    Path("dvc.lock").unlink(missing_ok=True)
    inputs.main()
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", f"{seeds} seeds")


def seconds(*command: str) -> float:
    """Measure the wall time of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def git_costs(repository: Path, folder: Path) -> dict[str, float]:
    """Measure the git commands of a task, and the fetch of the waiting command.

    Parameters
    ----------
    repository : Path
        The bare repository.
    folder : Path
        A scratch folder.

    Returns
    -------
    dict
        The number of ``refs``, and seconds by command.
    """
    commit = git("rev-parse", "HEAD").strip()
    prefix = f"{EXPERIMENTS}/{commit[:2]}/{commit[2:]}"
    new = f"{prefix}/new-{time.monotonic_ns()}"
    git("update-ref", new, commit)
    names = git("for-each-ref", "--format=%(refname)", prefix, repo=repository).split()
    fetch = ["git", "fetch", "-q", str(repository), f"+{prefix}/*:{prefix}/*"]
    clone = folder / f"clone-{len(names)}"
    return {
        "refs": len(names),
        "ls-remote": seconds("git", "ls-remote", "--exit-code", str(repository), names[0]),
        "clone": seconds("git", "clone", "-q", "--no-local", "--depth", "1", "--branch",
                         bare_repository.branch(commit), str(repository), str(clone)),
        "push": seconds("git", "push", "-q", str(repository), f"{new}:{new}"),
        "fetch": seconds(*fetch),
        "fetch again": seconds(*fetch),
    }  # fmt: skip


def add_refs(repository: Path, total: int) -> None:
    """Create further refs to the existing experiments, up to a total number."""
    commit = git("rev-parse", "HEAD").strip()
    prefix = f"{EXPERIMENTS}/{commit[:2]}/{commit[2:]}"
    revisions = git("for-each-ref", "--format=%(objectname)", prefix, repo=repository).split()
    lines = "".join(
        f"create {prefix}/more-{number} {revisions[number % len(revisions)]}\n"
        for number in range(total - len(revisions))
    )
    command = ["git", "-C", str(repository), "update-ref", "--stdin"]
    subprocess.run(command, input=lines, text=True, check=True)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or [8, 32, 128]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with Cluster(folder / "cluster") as cluster:
            os.environ.update(cluster.env)
            slots = len(cluster.nodes)
            git("clone", "-q", str(ROOT), str(folder / "project"))
            os.chdir(folder / "project")
            repository = Path("cluster/repository.git").absolute()
            for count in sizes:
                commit_pipeline(count)
                start = time.perf_counter()
                failed = runner.run(None, slots, [])
                elapsed = time.perf_counter() - start
                each = elapsed * slots / count
                assert failed is not None, "the matrix is neither detached nor a dry run"
                print(f"{count} experiments: {elapsed:.0f} s, {each:.1f} s of a node each, "
                      f"{len(failed)} failed", flush=True)  # fmt: skip
            print(git_costs(repository, folder), flush=True)
            add_refs(repository, MANY_REFS)
            print(git_costs(repository, folder), flush=True)


if __name__ == "__main__":
    main()
