"""The git repository around the project, and the ``dvc.lock`` of the workspace and experiments."""

import subprocess
from pathlib import Path

import yaml

from vocalseg.errors import BadInput

LOCK = Path("dvc.lock")
EXPERIMENTS = "refs/exps"


def git(*arguments: str, repo: str | Path = ".") -> str:
    """What a git command prints; raises :class:`subprocess.CalledProcessError` if it fails."""
    command = ["git", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=repo).stdout


def file_at(rev: str, path: str | Path, repo: str | Path = ".") -> str:
    """Text of a file of the project at a revision."""
    return git("show", f"{rev}:./{path}", repo=repo)


def require_repository() -> None:
    """Raise :class:`BadInput` unless experiments can stand on a commit of this folder.

    git refuses a clone that another user owns; without a commit there can be no experiments.
    """
    if not Path("dvc.yaml").exists():
        raise BadInput("dvc.yaml: no such file; run from the repository's folder")
    try:
        git("rev-parse", "--verify", "--quiet", "HEAD")
    except FileNotFoundError:
        raise BadInput("git: not found; install it") from None
    except subprocess.CalledProcessError:
        raise BadInput(_refusal()) from None
    if LOCK.exists() and "<<<<<<<" in LOCK.read_text(encoding="utf-8"):
        raise BadInput(
            f"{LOCK}: holds a merge conflict; take one side (`git checkout --ours {LOCK}`), then "
            "`dvc repro`"
        )


def _refusal() -> str:
    try:
        git("rev-parse", "--git-dir")
    except subprocess.CalledProcessError as error:
        if "dubious ownership" in error.stderr:
            here = git_root(Path.cwd())
            return (
                f"{here}: belongs to another user, so git refuses it; allow it: "
                f"git config --global --add safe.directory '{here}'"
            )
        return "this folder is not in a git repository; clone the project with git"
    return "the git repository has no commit yet; make one"


def git_root(folder: Path) -> Path:
    """The folder itself or the nearest one above that holds ``.git``."""
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder)


def lock_here() -> dict:
    """Stages of the workspace's ``dvc.lock``; empty if there is none."""
    return stages_of(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}


def locks() -> dict[str, dict]:
    """Stages of the ``dvc.lock`` of every experiment on HEAD, by the experiment's name."""
    prefix = _prefix()
    references = git("for-each-ref", "--format=%(refname)", prefix).split()
    return {
        reference.removeprefix(prefix): stages_of(file_at(reference, LOCK))
        for reference in references
    }


def revision(name: str) -> str:
    """Commit of an experiment on HEAD."""
    return git("rev-parse", "--verify", f"{_prefix()}{name}").strip()


def _prefix() -> str:
    head = git("rev-parse", "HEAD").strip()
    return f"{EXPERIMENTS}/{head[:2]}/{head[2:]}/"


def stages_of(text: str) -> dict:
    """Stages of the content of a ``dvc.lock``."""
    try:
        return (yaml.load(text, Loader=yaml.CSafeLoader) or {}).get("stages", {})
    except (yaml.YAMLError, AttributeError):
        raise BadInput(f"{LOCK}: cannot be read; `git checkout {LOCK}` restores it") from None
