"""What this machine lacks for the pipeline, and the command that mends it.

python -m study.doctor

Needs nothing but Python, so that it runs before anything is installed. Ends with exit status 1 if
something is missing that nothing works without.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from vocalseg import compute

OK, WARN, FAIL = "ok", "warn", "FAIL"
GB = 1e9

#: GB in the working folder and in the folder of songs, by data set (parts in docs/data.md).
DISK = {
    "demo": (1.0, 0.0),
    "musdb18-7s": (0.5, 0.3),
    "musdb18": (7.6, 9.5),
    "musdb18-hq": (7.6, 55.0),
}
ENVIRONMENT_GB = 3.0
MEMORY_GB = 4.0
PAPER_FILTERS = 32  # from here on a training takes days without a GPU

#: DVC's own test of links between its cache and this folder, and a look at each remote.
LOOK = """
import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from dvc.repo import Repo
from dvc_objects.fs import generic
with Repo() as repo:
    cache = repo.cache.local
    place = Path(cache.path)  # not made yet: what holds for the folder around it
    place = next(folder for folder in (place, *place.parents) if folder.exists())
    kinds = ["reflink", "hardlink", "symlink"]
    kinds = generic.test_links(kinds, cache.fs, str(place), repo.fs, repo.root_dir)
    wanted = repo.config["cache"].get("type", kinds)
    print(json.dumps([kind for kind in wanted if kind in kinds]), flush=True)
    paths = [repo.root_dir, cache.path]  # as study.queue.require_queue has it
    unfit = [path for path in paths if not path.isascii() or set(path) & set("#?%")]
    print(json.dumps(unfit[0] if unfit else ""), flush=True)
    for name in repo.config["remote"]:
        where, state = repo.config["remote"][name].get("url", ""), ""
        try:
            remote = repo.cloud.get_remote(name)
            if where.startswith(("http://", "https://")):  # DVC takes no answer for no file
                try:
                    urlopen(where, timeout=20)
                except HTTPError:
                    pass
            elif not remote.fs.exists(remote.path) and remote.fs.protocol == "local":
                state = "no such folder"
        except BaseException as error:
            state = (str(error).splitlines() or [type(error).__name__])[0]
        print(json.dumps([name, where, state]), flush=True)
"""


def python() -> tuple[str, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return OK, version
    return FAIL, f"{version} -> install Python 3.11, 3.12 or 3.13; make setup"


def packages() -> tuple[str, str]:
    lacking = [name for name in ("dvc", "tensorflow", "stempeg") if not installed(name)]
    if lacking:
        return WARN, f"{', '.join(lacking)} not installed yet -> make setup"
    return OK, str(Path(sys.prefix))


def ffmpeg() -> tuple[str, str]:
    lacking = [name for name in ("ffmpeg", "ffprobe") if not shutil.which(name)]
    if lacking:
        return FAIL, f"{', '.join(lacking)} not found -> make ffmpeg, or: sudo apt install ffmpeg"
    return OK, shutil.which("ffmpeg")


def git() -> tuple[str, str]:
    if not shutil.which("git"):
        return FAIL, "not found -> sudo apt install git"
    if run("git", "rev-parse", "--git-dir").returncode:
        return FAIL, "this folder is no repository -> clone it with git; DVC needs one"
    for key, example in (("user.name", "Your Name"), ("user.email", "you@example.org")):
        if not run("git", "config", key).stdout.strip():
            return WARN, f'no {key}, which commits need -> git config --global {key} "{example}"'
    return OK, run("git", "--version").stdout.strip()


def songs(params: dict) -> tuple[str, str]:
    name, root = params["dataset"]["name"], params["dataset"].get("root")
    if root and not Path(root).is_dir():
        return FAIL, f"params.yaml: dataset.root = {root}: no such folder -> name the one you have"
    if name == "folder" and not root:
        return FAIL, "params.yaml: dataset.root is null -> name your folder of songs"
    return OK, f"{name}, {root}" if root else name


def disk(params: dict) -> tuple[str, str]:
    """Free space where results and where songs are kept, less what is there already."""
    name, root = params["dataset"]["name"], params["dataset"].get("root")
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vocalseg/songs"
    folders = {"results": Path(), "songs": Path(os.environ.get("VOCALSEG_SONGS") or default)}
    if name == "folder":
        size = used(Path(root)) / GB if root else 0
        needed = {"results": 2 * size, "songs": 0.0}
    else:
        needed = dict(zip(folders, DISK.get(name, DISK["demo"])))  # noqa: B905 (old Pythons)
        if root or os.environ.get("MUSDB_PATH"):
            needed["songs"] = 0.0
    needed["results"] -= min(used(Path(".dvc/cache")) / GB, needed["results"])
    needed["songs"] -= min(used(folders["songs"]) / GB, needed["songs"])
    if not Path(".venv").exists():
        needed["results"] += ENVIRONMENT_GB

    by_disk: dict[int, list[str]] = {}
    for key, folder in folders.items():
        if needed[key] > 0:
            by_disk.setdefault(existing(folder).stat().st_dev, []).append(key)
    said = []
    for keys in by_disk.values():
        free = shutil.disk_usage(existing(folders[keys[0]])).free / GB
        need = sum(needed[key] for key in keys)
        what = " and ".join(keys)
        if free < need:
            move = ", or VOCALSEG_SONGS=/larger/disk" if "songs" in keys else ""
            return WARN, (
                f"{what} of {name} take {need:.1f} GB more, {free:.1f} are free at "
                f"{existing(folders[keys[0]]).resolve()} -> make room{move}"
            )
        said.append(f"{what} of {name}: {need:.1f} GB more, {free:.0f} free")
    return OK, "; ".join(said) or f"everything of {name} is here"


def memory() -> tuple[str, str]:
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GB
    except (ValueError, OSError, AttributeError):
        return WARN, "its size cannot be told on this system"
    if size < MEMORY_GB:
        return WARN, f"{size:.1f} GB -> {MEMORY_GB:.0f} GB or more, or lower train.batch_size"
    return OK, f"{size:.0f} GB"


def processor() -> tuple[str, str]:
    """How networks are trained without a GPU."""
    precision = "bfloat16" if compute.cpu_has_bfloat16() else "float32"
    words = f"{compute.threads_chosen()} threads, {precision} where precision is auto"
    setting = os.environ.get(compute.ONEDNN)
    if setting is None:  # not an x86 processor
        return OK, f"TensorFlow's default kernels, {words}"
    if compute.onednn_chosen():
        return OK, f"oneDNN kernels, {words}"
    return WARN, (
        f"no oneDNN kernels ({compute.ONEDNN}={setting}), {words}: a training takes up to twice "
        f"as long -> unset {compute.ONEDNN}"
    )


def gpu(params: dict) -> tuple[str, str]:
    code = (
        "import json, tensorflow as tf; "
        "print(json.dumps([d.name for d in tf.config.list_physical_devices('GPU')]))"
    )
    done = run(sys.executable, "-c", code, TF_CPP_MIN_LOG_LEVEL="3")
    if done.returncode:
        return FAIL, f"does not start: {last_line(done.stderr)} -> rm -r .venv, make setup"
    names = json.loads(last_line(done.stdout))
    if names:
        return OK, ", ".join(names)
    filters = params.get("model", {}).get("filters", 0)
    if filters >= PAPER_FILTERS:
        return WARN, (
            f"none seen by TensorFlow; model.filters = {filters} takes days without -> "
            "a machine with an NVIDIA GPU, and: pip install 'tensorflow[and-cuda]'"
        )
    return OK, f"none seen by TensorFlow; model.filters = {filters} does without"


def dvc():
    """Links that DVC makes from its cache, and whether each remote answers."""
    try:
        done = run(sys.executable, "-c", LOOK, timeout=60)
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        done, output = None, (late.stdout or b"").decode()
    lines = [json.loads(line) for line in output.splitlines()]
    if not lines:
        words = last_line(done.stderr) if done else "no answer within a minute"
        yield "dvc", WARN, f"{words} -> dvc doctor"
        return
    kinds, unfit, *remotes = lines
    if unfit:
        yield "queue", WARN, (
            f"{unfit}: DVC's queue, and so make matrix, cannot work in such a path -> move the "
            "project to a path without letters beyond ASCII, #, ? and %"
        )
    else:
        yield "queue", OK, "its paths are plain"
    if kinds:
        yield "cache links", OK, kinds[0]
    else:
        yield "cache links", WARN, (
            "copies only: artifacts take their space twice -> a cache on this disk: "
            "dvc cache dir --local FOLDER"
        )
    for name, where, state in remotes:
        if state:
            fix = f"mount it, or: dvc remote modify {name} url URL"
            yield f"remote {name}", WARN, f"{where}: {state} -> {fix}"
        else:
            yield f"remote {name}", OK, where
    if not done:
        yield "remote", WARN, "one does not answer within a minute -> check the network"
    elif not remotes:
        yield "remote", OK, "none configured; results stay on this machine"


def run(*command: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,  # nothing may ask for a password
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **env},
    )


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def existing(folder: Path) -> Path:
    """The folder, or the nearest one around it that is there."""
    folder = folder.resolve()
    return folder if folder.exists() else existing(folder.parent)


def used(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it printed nothing"])[-1]


def read_params() -> tuple[dict | None, str]:
    """``params.yaml`` as far as it is needed here, or what is wrong with it."""
    if not Path("params.yaml").exists():
        return None, "params.yaml: no such file -> run from the repository's folder"
    import yaml

    try:
        params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
        params["dataset"]["name"]
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        return None, "params.yaml: cannot be read -> make check"
    return params, ""


def checks():
    """Each check's name, mark and words, as soon as it is done."""
    yield ("python", *python())
    yield ("packages", *packages())
    yield ("ffmpeg", *ffmpeg())
    yield ("git", *git())
    yield ("memory", *memory())
    yield ("processor", *processor())
    params = None
    if installed("yaml"):
        params, wrong = read_params()
        if params:
            yield ("songs", *songs(params))
            yield ("disk", *disk(params))
        else:
            yield "songs", FAIL, wrong
    if params and installed("tensorflow"):
        yield ("gpu", *gpu(params))
    if installed("dvc") and shutil.which("git"):
        yield from dvc()
    if not (installed("yaml") and installed("tensorflow") and installed("dvc")):
        yield "the rest", WARN, "songs, disk, GPU, cache, remotes: unknown -> make setup doctor"


def main() -> int:
    failed = False
    for name, mark, words in checks():
        print(f"{mark:5} {name:12} {words}", flush=True)
        failed |= mark == FAIL
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
