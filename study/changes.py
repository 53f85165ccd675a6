"""What differs between a base commit and now: results of git and DVC, curves and songs."""

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import dvc.api
import pandas as pd

from study.repository import stages_of

LOSSES = ("loss", "val_loss")
CURVES = "plots/training/plots/metrics/{}.tsv"
SONGS = "plots/songs.csv"
CODE = Path("inputs")
SCORE = {"protocol": "museval", "metric": "sdr"}  # the score of songs that is compared


def capture(*command: str) -> subprocess.CompletedProcess:
    """Run a command and capture its output."""
    return subprocess.run(command, capture_output=True, text=True)


def base_commit(base: str) -> str:
    """Find the merge base of HEAD and ``base``, which is the state before the change.

    Parameters
    ----------
    base : str
        Branch, tag or commit.

    Returns
    -------
    str
        Hash of the commit.

    Raises
    ------
    SystemExit
        With one line, if there is no project, no repository or no such commit.
    """
    if not Path("dvc.yaml").exists():
        sys.exit("dvc.yaml: no such file; run from the repository's folder")
    if capture("git", "rev-parse", "--git-dir").returncode:
        sys.exit("not a git repository, so there is no base to compare with; clone it with git")
    verify = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    found = capture("git", *verify, f"{base}^{{commit}}")
    if found.returncode:
        sys.exit(f"--base {base}: no such commit here; fetch it (git fetch) or name another")
    shared = capture("git", "merge-base", found.stdout.strip(), "HEAD")
    return (shared if shared.stdout else found).stdout.strip()


def repro() -> dict[str, float | None]:
    """Run ``dvc repro`` and time its stages.

    Returns
    -------
    dict
        Seconds of each stage that ran, by name; None for a stage with a cache hit.

    Raises
    ------
    SystemExit
        With one line, if a stage fails.
    """
    seconds: dict[str, float | None] = {}
    running, start = None, 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},  # for exact times
    )
    assert process.stdout is not None, "it is a pipe"
    for line in process.stdout:
        print(line, end="", file=sys.stderr)
        started = re.match(r"Running stage '(.+)':", line)
        cached = re.match(r"Stage '(.+)' is cached", line)
        if running and (started or re.match(r"(Updating|Generating) lock file|Stage '", line)):
            seconds[running] = time.monotonic() - start
            running = None
        if cached:
            seconds[cached[1]] = None
        if started:
            running, start = started[1], time.monotonic()
            seconds[running] = 0.0
    seconds.pop("inputs", None)  # it always runs
    if process.wait():
        where = f" in stage {running}" if running else ""
        sys.exit(f"dvc repro failed{where}: see the messages above; no report is written")
    if running and running != "inputs":
        seconds[running] = time.monotonic() - start
    return seconds


def diff(kind: str, base: str) -> dict[str, tuple]:
    """Run ``dvc params diff`` or ``dvc metrics diff``.

    Parameters
    ----------
    kind : {"params", "metrics"}
    base : str
        Commit to compare with.

    Returns
    -------
    dict
        The values (at the base, now) of each key that differs.
    """
    done = capture(sys.executable, "-m", "dvc", kind, "diff", base, "--json")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no error message"])[0]
        sys.exit(f"dvc {kind} diff {base[:7]}: {reason}")
    return {
        key if kind == "params" else f"{Path(file).stem}: {key}": (v.get("old"), v.get("new"))
        for file, keys in json.loads(done.stdout or "{}").items()
        for key, v in keys.items()
    }


def read_file(path: str | Path, base: str | None = None) -> str:
    """Read a file of the project now or at a commit; empty if it does not exist."""
    if base:
        return capture("git", "show", f"{base}:./{path}").stdout
    return Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""


def stage_inputs(base: str | None = None) -> dict[str, dict]:
    """Read what each stage of ``dvc.lock`` depends on, now or at a commit.

    Returns
    -------
    dict
        By stage: digests of data, modules and libraries, and values of parameters, by name. The
        stage ``inputs`` is omitted, since it always runs.
    """
    stages = stages_of(read_file("dvc.lock", base))
    return {name: _inputs_of(entry, base) for name, entry in stages.items() if name != "inputs"}


def _inputs_of(entry: dict, base: str | None) -> dict:
    found = {"command": entry.get("cmd"), **entry.get("params", {}).get("params.yaml", {})}
    for dep in entry.get("deps", []):
        content = {}
        if Path(dep["path"]).parent == CODE:
            content = json.loads(read_file(dep["path"], base) or "{}")
        parts = [content[kind] for kind in ("modules", "distributions") if kind in content]
        for part in parts or [{dep["path"]: dep.get("md5")}]:
            found |= part
    return found


def changed_inputs(before: dict, now: dict) -> list[str]:
    """List the names of a stage's inputs that differ from the base."""
    return [key for key in {**before, **now} if before.get(key) != now.get(key)]


def read_table(path: str, rev: str | None = None, **options) -> pd.DataFrame | None:
    """Read a table that a stage wrote, now or at a commit; None if it is not available."""
    try:
        text = dvc.api.read(path, rev=rev) if rev else Path(path).read_text(encoding="utf-8")
    except Exception:  # remotes raise exceptions of many types
        return None
    return pd.read_csv(io.StringIO(text), **options)


def curves(rev: str | None = None) -> pd.DataFrame | None:
    """Read training and validation loss; the index is the epoch, beginning with 1."""
    columns = {}
    for name in LOSSES:
        table = read_table(CURVES.format(name), rev, sep="\t")
        if table is None:
            return None
        columns[name] = table[name]
    table = pd.DataFrame(columns)
    return table.set_index(table.index + 1)


def gains(rev: str | None = None) -> pd.Series | None:
    """Read each song's gain over the mixture in dB, without songs that have no score."""
    na = {"keep_default_na": False, "na_values": {"gain": ""}}  # a song's name may be "NA"
    table = read_table(SONGS, rev, **na)
    if table is None:
        return None
    chosen = table[(table[list(SCORE)] == pd.Series(SCORE)).all(axis=1)]
    return chosen.set_index("song")["gain"].dropna()
