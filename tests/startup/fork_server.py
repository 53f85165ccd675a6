"""Run commands in forks of a process that has imported their libraries.

In the small project of the tests, imports take most of the time of stages and other commands. With
FORK_SERVER, the address of a server, and FORKS, names of packages, in the environment, a command of
one of these packages (`python -m stages.NAME`, `dvc`) only passes its arguments, environment and
standard streams to the server (see `sitecustomize.py`), which forks. The process ends with the
status of the fork, and the fork ends if the process is killed.

    python fork_server.py ADDRESS PROCESS

serves until a process, given by its number, has ended.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    "PIL.Image", "celery.result", "dvc.cli.parser", "dvc.repo.experiments.queue.celery", "dvclive",
    "h5py", "joblib", "keras", "librosa.core.spectrum", "librosa.util.utils",
    "matplotlib.backends.backend_agg", "matplotlib.figure", "mir_eval.separation", "musdb",
    "museval", "networkx", "norbert", "pandas", "pydantic.dataclasses",
    "pydantic.plugin._loader", "pydantic.type_adapter", "pygit2", "scipy.io", "scipy.stats",
    "soundfile", "soxr", "tensorflow", "tqdm", "yaml",
)  # fmt: skip
STREAMS = (0, 1, 2)
TIMEOUT = 60.0  # seconds to wait for the server to start
#: Commands of DVC's queue, which finds and stops its processes by their number.
NOT_FORKED = ("exec-run", "queue-worker")


def forked(command: list[str]) -> tuple[str, list[str]] | None:
    """Return module and arguments of a command that the server runs, otherwise None."""
    match command:
        case [_, "-m", module, *arguments]:
            package = module.partition(".")[0]
        case [_, script, *arguments] if Path(script).name == "dvc":
            package = module = "dvc"
        case _:
            return None
    if package not in os.environ["FORKS"].split() or set(NOT_FORKED) & set(arguments):
        return None
    return module, arguments


def run_in_fork(module: str, arguments: list[str], address: str) -> NoReturn:
    """Run a module as ``python -m`` does, in a fork of the server, and end this process."""
    folder = str(Path.cwd())
    state = {
        "module": module, "arguments": arguments, "cwd": folder, "path": [folder, *sys.path],
        "environ": dict(os.environ),
    }  # fmt: skip
    with connected(address) as connection:
        socket.send_fds(connection, [b"\n"], STREAMS)
        connection.sendall(json.dumps(state).encode() + b"\n")
        status = connection.recv(1)
    os._exit(status[0] if status else 1)


def connected(address: str) -> socket.socket:
    """Connect to the server, which may still be starting."""
    deadline = time.monotonic() + TIMEOUT
    connection = socket.socket(socket.AF_UNIX)
    while True:
        try:
            connection.connect(address)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def serve(address: str, process: int) -> None:
    """Import the libraries; fork for each connection."""
    import psutil  # here, because the clients import this module, too

    for library in LIBRARIES:
        importlib.import_module(library)
    sys.modules["PIL.Image"].init()  # imports the formats
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.create_server(address, family=socket.AF_UNIX, backlog=64) as server:
        while psutil.pid_exists(process):
            if not select.select([server], [], [], 1.0)[0]:
                continue
            connection, _ = server.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                server.close()
                serve_one(connection)
            connection.close()
    Path(address).unlink()
    Path(address).parent.rmdir()


def serve_one(connection: socket.socket) -> NoReturn:
    """Become the process of the client: take over its state, and run its module."""
    _, streams, _, _ = socket.recv_fds(connection, 1, len(STREAMS))
    reader = connection.makefile("rb")
    state = json.loads(reader.readline())
    for stream, number in zip(streams, STREAMS, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(state["cwd"])
    os.environ.clear()
    os.environ.update(state["environ"])
    sys.path[:] = state["path"]
    sys.argv[1:] = state["arguments"]
    threading.Thread(target=end_with_client, args=(reader,), daemon=True).start()
    status = 0
    try:
        runpy.run_module(state["module"], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([status]))
    os._exit(0)


def end_with_client(reader) -> NoReturn:
    """End this process if the client is killed."""
    with suppress(OSError):
        reader.read()
    os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
