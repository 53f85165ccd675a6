"""Read from the project's git repository, above all ``dvc.lock`` of workspace and experiments."""

import io
import subprocess
from collections.abc import Iterable
from pathlib import Path

import yaml

from vocalseg.errors import BadInput

LOCK = Path("dvc.lock")
EXPERIMENTS = "refs/exps"


def git(*arguments: str, repo: str | Path = ".") -> str:
    """Run a git command and return its output.

    Parameters
    ----------
    *arguments : str
    repo : path
        Folder to run it in.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    command = ["git", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=repo).stdout


def file_at(rev: str, path: str | Path, repo: str | Path = ".") -> str:
    """Read a file of the project at a revision.

    Raises
    ------
    subprocess.CalledProcessError
        If there is no such revision or file.
    """
    return git("show", f"{rev}:./{path}", repo=repo)


def files_at(revs: Iterable[str], path: str | Path) -> list[str]:
    """Read a file of the project at several revisions, with one git process.

    Returns
    -------
    list of str
        The text at each revision, empty where the file does not exist.
    """
    names = "".join(f"{rev}:./{path}\n" for rev in revs)
    command = ["git", "cat-file", "--batch"]
    done = subprocess.run(command, input=names.encode(), check=True, capture_output=True)
    stream, texts = io.BytesIO(done.stdout), []
    while header := stream.readline():  # "HASH blob SIZE", or "NAME missing"
        size = header.split()[-1]
        texts.append("" if size == b"missing" else stream.read(int(size)).decode())
        if size != b"missing":
            stream.readline()  # the line feed after the content
    return texts


def require_repository() -> None:
    """Check that the current folder is a project on which experiments can be based.

    Raises
    ------
    BadInput
        If there is no dvc.yaml, no git, no commit, or a merge conflict in dvc.lock, or if git
        refuses the repository because another user owns it.
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
            f"{LOCK}: has a merge conflict; take one side (`git checkout --ours {LOCK}`), then run "
            "`dvc repro`"
        )


def _refusal() -> str:
    """Explain why git finds no commit."""
    try:
        git("rev-parse", "--git-dir")
    except subprocess.CalledProcessError as error:
        if "dubious ownership" in error.stderr:
            here = git_root(Path.cwd())
            return (
                f"{here}: belongs to another user, so git refuses it; allow it with "
                f"git config --global --add safe.directory '{here}'"
            )
        return "this folder is not in a git repository; clone the project with git"
    return "the git repository has no commit yet; commit the project first"


def git_root(folder: Path) -> Path:
    """Return the folder or its nearest parent that has ``.git``."""
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder)


def workspace_lock() -> dict:
    """Read the stages of the workspace's ``dvc.lock``; empty if there is none."""
    return stages_of(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}


def locks() -> dict[str, dict]:
    """Read the stages of the ``dvc.lock`` of every experiment on HEAD.

    Returns
    -------
    dict
        By the experiment's name.
    """
    prefix = _prefix()
    references = git("for-each-ref", "--format=%(refname)", prefix).split()
    texts = files_at(references, LOCK)
    return {
        reference.removeprefix(prefix): stages_of(text)
        for reference, text in zip(references, texts, strict=True)
    }


def revision(name: str) -> str:
    """Return the commit of an experiment on HEAD.

    Raises
    ------
    subprocess.CalledProcessError
        If there is no such experiment.
    """
    return git("rev-parse", "--verify", f"{_prefix()}{name}").strip()


def _prefix() -> str:
    head = git("rev-parse", "HEAD").strip()
    return f"{EXPERIMENTS}/{head[:2]}/{head[2:]}/"


def stages_of(text: str) -> dict:
    """Parse the text of a ``dvc.lock`` and return its stages.

    Raises
    ------
    BadInput
        If it is not valid YAML.
    """
    try:
        return (yaml.load(text, Loader=yaml.CSafeLoader) or {}).get("stages", {})
    except (yaml.YAMLError, AttributeError):
        raise BadInput(f"{LOCK}: cannot be read; `git checkout {LOCK}` restores it") from None
