"""The bare repository that jobs clone from and push their experiments to."""

from pathlib import Path

from study.repository import EXPERIMENTS, git, locks
from vocalseg.errors import BadInput

#: What decides an experiment's result, so that a commit has to hold it.
DECISIVE = ("src", "stages", "inputs", "dvc.yaml", "params.yaml", ".dvc/config", ".dvcignore")


def committed() -> str:
    """The hash of HEAD; raises :class:`BadInput` if it lacks something that experiments read."""
    changed = git("status", "--porcelain", "--", *DECISIVE).splitlines()
    if changed:
        path = changed[0][3:]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise BadInput(f"{path}{more}: not committed, and jobs run the commit; commit it first")
    return git("rev-parse", "HEAD").strip()


def branch(commit: str) -> str:
    """The branch that keeps a commit in the bare repository."""
    return f"vocalseg/{commit}"


def publish(repository: Path, commit: str) -> None:
    """Push a commit to the bare repository, which is made if there is none."""
    if not repository.exists():
        repository.parent.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--shared=group", str(repository))
        # Many jobs push at once; housekeeping is the administrator's (docs/cluster.md).
        git("config", "receive.autogc", "false", repo=repository)
    target = f"{commit}:refs/heads/{branch(commit)}"
    git("push", "--quiet", "--no-verify", str(repository), target)


def fetch(repository: Path, commit: str) -> dict[str, dict]:
    """Fetch the experiments of a commit; their names and the stages of their ``dvc.lock``.

    An experiment that is in this clone alone is not among them.
    """
    if not repository.exists():
        return {}
    place = f"{EXPERIMENTS}/{commit[:2]}/{commit[2:]}/"
    listed = git("ls-remote", str(repository), f"{place}*").splitlines()
    names = {line.partition("\t")[2].removeprefix(place) for line in listed}
    if not names:
        return {}
    git("fetch", "--quiet", "--no-tags", str(repository), f"+{place}*:{place}*")
    return {name: lock for name, lock in locks().items() if name in names}
