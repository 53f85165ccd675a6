"""What an experiment on a cluster costs beside its training, and a bare repository with many refs.

    python -m benchmarks.slurm [8 32 128]

Starts a SLURM of two nodes with one processor each on this host, one shared cache, one bare
repository. An experiment is one stage that copies params.yaml: what remains is SLURM, the clone,
the check of the node's libraries, `dvc exp run` and the push. Then the git commands of a task and
of the command that waits, on a repository with that many refs and with ten thousand.
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
MANY = 10_000  # refs


def pipeline(seeds: int) -> None:
    """In the current folder, a clone: one stage that takes no time, and a matrix of seeds."""
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
    git("rm", "-q", "--cached", "-r", "metrics", "dvc.lock")
    Path("dvc.lock").unlink()
    inputs.main()
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", f"{seeds} seeds")


def seconds(*command: str) -> float:
    """Duration of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def git_costs(repository: Path, folder: Path) -> dict[str, float]:
    """Seconds of the git commands of a task, and of those of the command that waits, at the end."""
    commit = git("rev-parse", "HEAD").strip()
    place = f"{EXPERIMENTS}/{commit[:2]}/{commit[2:]}"
    new = f"{place}/new-{time.monotonic_ns()}"
    git("update-ref", new, git("rev-parse", "HEAD~0").strip())
    names = git("for-each-ref", "--format=%(refname)", place, repo=repository).split()
    clone = folder / f"clone-{len(names)}"
    return {
        "refs": len(names),
        "ls-remote": seconds("git", "ls-remote", "--exit-code", str(repository), names[0]),
        "clone": seconds("git", "clone", "-q", "--no-local", "--depth", "1", "--branch",
                         bare_repository.branch(commit), str(repository), str(clone)),
        "push": seconds("git", "push", "-q", str(repository), f"{new}:{new}"),
        "fetch": seconds("git", "fetch", "-q", str(repository), f"+{place}/*:{place}/*"),
        "fetch again": seconds("git", "fetch", "-q", str(repository), f"+{place}/*:{place}/*"),
    }  # fmt: skip


def fill(repository: Path, count: int) -> None:
    """Further refs to the experiments that there are, until ``count``."""
    commit = git("rev-parse", "HEAD").strip()
    place = f"{EXPERIMENTS}/{commit[:2]}/{commit[2:]}"
    revisions = git("for-each-ref", "--format=%(objectname)", place, repo=repository).split()
    lines = "".join(
        f"create {place}/more-{number} {revisions[number % len(revisions)]}\n"
        for number in range(count - len(revisions))
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
            repository = Path(".dvc/tmp/slurm/repository.git").absolute()
            for count in sizes:
                pipeline(count)
                start = time.perf_counter()
                failed = runner.run(None, slots, [])
                took = time.perf_counter() - start
                assert failed is not None, "the matrix runs to its end"
                print(f"{count} experiments: {took:.0f} s, {took * slots / count:.1f} s of a node "
                      f"each, {len(failed)} failed", flush=True)  # fmt: skip
            print(git_costs(repository, folder), flush=True)
            fill(repository, MANY)
            print(git_costs(repository, folder), flush=True)


if __name__ == "__main__":
    main()
