"""Check this machine for the pipeline's requirements and print the command that fixes each problem.

python -m study.doctor

Needs only the standard library, so that it runs before anything is installed. The exit status is 1
if a requirement is missing without which nothing works.
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

#: GB in the working folder and in the folder of songs, by data set (details in docs/data.md).
DISK = {
    "demo": (1.0, 0.0),
    "musdb18-7s": (0.5, 0.3),
    "musdb18": (7.6, 9.5),
    "musdb18-hq": (7.6, 55.0),
}
ENVIRONMENT_GB = 3.0
MEMORY_GB = 4.0
LARGE_FILTERS = 32  # from this size on, a training takes days without a GPU

#: Tests which links DVC can create between its cache and this folder, and accesses each remote.
DVC_PROBE = """
import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from dvc.repo import Repo
from dvc_objects.fs import generic
with Repo() as repo:
    cache = repo.cache.local
    folder = Path(cache.path)  # may not exist yet; then its nearest existing parent is tested
    folder = next(path for path in (folder, *folder.parents) if path.exists())
    kinds = ["reflink", "hardlink", "symlink"]
    kinds = generic.test_links(kinds, cache.fs, str(folder), repo.fs, repo.root_dir)
    wanted = repo.config["cache"].get("type", kinds)
    print(json.dumps([kind for kind in wanted if kind in kinds]), flush=True)
    paths = [repo.root_dir, cache.path]  # the same rule as in study.queue.require_queue
    unsupported = [path for path in paths if not path.isascii() or set(path) & set("#?%")]
    print(json.dumps(unsupported[0] if unsupported else ""), flush=True)
    for name in repo.config["remote"]:
        url, error_text = repo.config["remote"][name].get("url", ""), ""
        try:
            remote = repo.cloud.get_remote(name)
            if url.startswith(("http://", "https://")):  # DVC reports a dead host as a missing file
                try:
                    urlopen(url, timeout=20)
                except HTTPError:
                    pass
            elif not remote.fs.exists(remote.path) and remote.fs.protocol == "local":
                error_text = "no such folder"
        except BaseException as error:
            error_text = (str(error).splitlines() or [type(error).__name__])[0]
        print(json.dumps([name, url, error_text]), flush=True)
"""


def python() -> tuple[str, str]:
    """Check the version of Python. This and the next functions return a status and a message."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return OK, version
    return FAIL, f"{version} -> install Python 3.11, 3.12 or 3.13; make setup"


def packages() -> tuple[str, str]:
    missing = [name for name in ("dvc", "tensorflow", "stempeg") if not is_installed(name)]
    if missing:
        return WARN, f"{', '.join(missing)} not installed yet -> make setup"
    return OK, str(Path(sys.prefix))


def ffmpeg() -> tuple[str, str]:
    missing = [name for name in ("ffmpeg", "ffprobe") if not shutil.which(name)]
    if missing:
        return FAIL, f"{', '.join(missing)} not found -> make ffmpeg, or: sudo apt install ffmpeg"
    return OK, str(shutil.which("ffmpeg"))


def git() -> tuple[str, str]:
    if not shutil.which("git"):
        return FAIL, "not found -> sudo apt install git"
    if run("git", "rev-parse", "--git-dir").returncode:
        return FAIL, "this folder is not a git repository, which DVC needs -> clone it with git"
    for key, example in (("user.name", "Your Name"), ("user.email", "you@example.org")):
        if not run("git", "config", key).stdout.strip():
            return WARN, f'{key} is not set -> git config --global {key} "{example}"'
    return OK, run("git", "--version").stdout.strip()


def songs(params: dict) -> tuple[str, str]:
    name, root = params["dataset"]["name"], params["dataset"].get("root")
    if root and not Path(root).is_dir():
        return FAIL, f"params.yaml: dataset.root = {root}: no such folder -> correct the path"
    if name == "folder" and not root:
        return FAIL, "params.yaml: dataset.root is null -> set it to your folder of songs"
    return OK, f"{name}, {root}" if root else name


def disk(params: dict) -> tuple[str, str]:
    """Check the free space for results and songs; existing files reduce what is needed."""
    name, root = params["dataset"]["name"], params["dataset"].get("root")
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vocalseg/songs"
    folders = {"results": Path(), "songs": Path(os.environ.get("VOCALSEG_SONGS") or default)}
    if name == "folder":
        size = bytes_in(Path(root)) / GB if root else 0
        needed = {"results": 2 * size, "songs": 0.0}
    else:
        needed = dict(zip(folders, DISK.get(name, DISK["demo"])))  # noqa: B905 (old Pythons)
        if root or os.environ.get("MUSDB_PATH"):
            needed["songs"] = 0.0
    needed["results"] -= min(bytes_in(Path(".dvc/cache")) / GB, needed["results"])
    needed["songs"] -= min(bytes_in(folders["songs"]) / GB, needed["songs"])
    if not Path(".venv").exists():
        needed["results"] += ENVIRONMENT_GB

    by_disk: dict[int, list[str]] = {}
    for key, folder in folders.items():
        if needed[key] > 0:
            by_disk.setdefault(nearest_existing(folder).stat().st_dev, []).append(key)
    messages = []
    for keys in by_disk.values():
        folder = nearest_existing(folders[keys[0]])
        free = shutil.disk_usage(folder).free / GB
        need = sum(needed[key] for key in keys)
        what = " and ".join(keys)
        if free < need:
            move = ", or set VOCALSEG_SONGS=/larger/disk" if "songs" in keys else ""
            return WARN, (
                f"{what} of {name} take {need:.1f} GB more, {free:.1f} are free at "
                f"{folder.resolve()} -> free some space{move}"
            )
        messages.append(f"{what} of {name}: {need:.1f} GB more, {free:.0f} free")
    return OK, "; ".join(messages) or f"everything of {name} is here"


def memory() -> tuple[str, str]:
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GB
    except (ValueError, OSError, AttributeError):
        return WARN, "this system does not report its size"
    if size < MEMORY_GB:
        return WARN, f"{size:.1f} GB; {MEMORY_GB:.0f} GB are advised -> lower train.batch_size"
    return OK, f"{size:.0f} GB"


def processor() -> tuple[str, str]:
    """Report kernels, threads and precision of trainings on the CPU."""
    precision = "bfloat16" if compute.cpu_has_bfloat16() else "float32"
    choice = f"{compute.threads_chosen()} threads, {precision} where precision is auto"
    setting = os.environ.get(compute.ONEDNN)
    if setting is None:  # not an x86 processor
        return OK, f"TensorFlow's default kernels, {choice}"
    if compute.onednn_chosen():
        return OK, f"oneDNN kernels, {choice}"
    return WARN, (
        f"no oneDNN kernels ({compute.ONEDNN}={setting}), {choice}: a training takes up to twice "
        f"as long -> unset {compute.ONEDNN}"
    )


def gpu(params: dict) -> tuple[str, str]:
    code = (
        "import json, tensorflow as tf; "
        "print(json.dumps([d.name for d in tf.config.list_physical_devices('GPU')]))"
    )
    done = run(sys.executable, "-c", code, TF_CPP_MIN_LOG_LEVEL="3")
    if done.returncode:
        return FAIL, f"TensorFlow fails: {last_line(done.stderr)} -> rm -r .venv; make setup"
    names = json.loads(last_line(done.stdout))
    if names:
        return OK, ", ".join(names)
    filters = params.get("model", {}).get("filters", 0)
    if filters >= LARGE_FILTERS:
        return WARN, (
            f"TensorFlow finds none; a training with model.filters = {filters} takes days -> "
            "use a machine with an NVIDIA GPU, and: pip install 'tensorflow[and-cuda]'"
        )
    return OK, f"TensorFlow finds none; model.filters = {filters} does not need one"


def dvc():
    """Yield the checks of DVC's queue, of the links from its cache and of each remote."""
    try:
        done = run(sys.executable, "-c", DVC_PROBE, timeout=60)
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        done, output = None, (late.stdout or b"").decode()
    lines = [json.loads(line) for line in output.splitlines()]
    if not lines:
        message = last_line(done.stderr) if done else "no answer within a minute"
        yield "dvc", WARN, f"{message} -> dvc doctor"
        return
    kinds, unsupported, *remotes = lines
    if unsupported:
        yield "queue", WARN, (
            f"{unsupported}: DVC's queue, and so make matrix, does not support this path -> move "
            "the project to an ASCII path without #, ? and %"
        )
    else:
        yield "queue", OK, "DVC's queue supports this path"
    if kinds:
        yield "cache links", OK, kinds[0]
    else:
        yield "cache links", WARN, (
            "copies only, so artifacts take their space twice -> move the cache to this disk: "
            "dvc cache dir --local FOLDER"
        )
    for name, url, error in remotes:
        if error:
            fix = f"mount it, or: dvc remote modify {name} url URL"
            yield f"remote {name}", WARN, f"{url}: {error} -> {fix}"
        else:
            yield f"remote {name}", OK, url
    if not done:
        yield "remote", WARN, "a remote does not answer within a minute -> check the network"
    elif not remotes:
        yield "remote", OK, "none configured; results stay on this machine"


def run(*command: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess:
    """Run a command without input and capture its output."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,  # no command can prompt for a password
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **env},
    )


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def nearest_existing(folder: Path) -> Path:
    """Return the folder or its nearest parent that exists."""
    folder = folder.resolve()
    return folder if folder.exists() else nearest_existing(folder.parent)


def bytes_in(folder: Path) -> int:
    """Total size of the files in a folder, without links."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


def read_params() -> tuple[dict | None, str]:
    """Return the content of ``params.yaml`` and an empty text, or None and an error message."""
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
    """Yield name, status and message of each check as soon as it is done."""
    yield ("python", *python())
    yield ("packages", *packages())
    yield ("ffmpeg", *ffmpeg())
    yield ("git", *git())
    yield ("memory", *memory())
    yield ("processor", *processor())
    params = None
    if is_installed("yaml"):
        params, error = read_params()
        if params:
            yield ("songs", *songs(params))
            yield ("disk", *disk(params))
        else:
            yield "songs", FAIL, error
    if params and is_installed("tensorflow"):
        yield ("gpu", *gpu(params))
    if is_installed("dvc") and shutil.which("git"):
        yield from dvc()
    if not (is_installed("yaml") and is_installed("tensorflow") and is_installed("dvc")):
        yield "the rest", WARN, "songs, disk, GPU, cache, remotes: unknown -> make setup doctor"


def main() -> int:
    failed = False
    for name, status, message in checks():
        print(f"{status:5} {name:12} {message}", flush=True)
        failed |= status == FAIL
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
