"""The bare repository that jobs clone from and push their experiments to."""

from pathlib import Path

from study.repository import EXPERIMENTS, git, locks
from vocalseg.errors import BadInput

#: Files that determine an experiment's result and therefore have to be committed.
TRACKED = ("src", "stages", "inputs", "dvc.yaml", "params.yaml", ".dvc/config", ".dvcignore")


def clean_head() -> str:
    """Return the hash of HEAD.

    Raises
    ------
    BadInput
        If one of :data:`TRACKED` has changes that are not committed.
    """
    changed = git("status", "--porcelain", "--", *TRACKED).splitlines()
    if changed:
        path = changed[0][3:]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise BadInput(f"{path}{more}: not committed, but jobs run a commit; commit it first")
    return git("rev-parse", "HEAD").strip()


def branch(commit: str) -> str:
    """Name of the branch that holds a commit in the bare repository."""
    return f"vocalseg/{commit}"


def publish(repository: Path, commit: str) -> None:
    """Push a commit to the bare repository, which is created if it does not exist."""
    if not repository.exists():
        repository.parent.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--shared=group", str(repository))
        # Many jobs push at the same time; the administrator packs refs (docs/cluster.md).
        git("config", "receive.autogc", "false", repo=repository)
    target = f"{commit}:refs/heads/{branch(commit)}"
    git("push", "--quiet", "--no-verify", str(repository), target)


def fetch(repository: Path, commit: str) -> dict[str, dict]:
    """Fetch the experiments of a commit into this clone.

    Parameters
    ----------
    repository : Path
        The bare repository; it may not exist yet.
    commit : str
        The commit that the experiments started from.

    Returns
    -------
    dict
        The stages of each experiment's ``dvc.lock``, by name. An experiment that exists only in
        this clone is not included.
    """
    if not repository.exists():
        return {}
    prefix = f"{EXPERIMENTS}/{commit[:2]}/{commit[2:]}/"
    listed = git("ls-remote", str(repository), f"{prefix}*").splitlines()
    names = {line.partition("\t")[2].removeprefix(prefix) for line in listed}
    if not names:
        return {}
    git("fetch", "--quiet", "--no-tags", str(repository), f"+{prefix}*:{prefix}*")
    return {name: lock for name, lock in locks().items() if name in names}
