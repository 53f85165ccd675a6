"""Python imports this module when it starts a process of a test."""

import builtins
import gc
import itertools
import os
import signal
import sys
from pathlib import Path

# Imports create objects that are never released. A sixth of the time of a short process would be
# spent looking for garbage among them.
gc.set_threshold(100_000, 20, 20)


class KerasWithoutOptionalPackages:
    """Hide packages from Keras that it imports only if they are installed.

    They take a third of the time that the import of TensorFlow takes, and no stage uses the
    functions of Keras that need them.
    """

    hidden = frozenset({"IPython", "PIL", "huggingface_hub", "matplotlib", "pydot", "sklearn"})

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        keras = sys.modules.get("keras")
        if name in cls.hidden and keras and keras.__spec__._initializing:
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, KerasWithoutOptionalPackages)


def stop_after_epochs(count: int) -> None:
    """Suspend this process when it has trained for some epochs, as if the next one took forever."""
    original, epochs = builtins.print, itertools.count(1)

    def stopping_print(*values, **options):
        original(*values, **options)
        if values and str(values[0]).startswith("epoch ") and next(epochs) == count:
            os.kill(os.getpid(), signal.SIGSTOP)

    builtins.print = stopping_print


module = sys.orig_argv[sys.orig_argv.index("-m") + 1] if "-m" in sys.orig_argv else ""
if module.startswith("stages.") and "COUNT_STAGES" in os.environ:
    # Each stage that really runs appends its name to the file.
    with Path(os.environ["COUNT_STAGES"]).open("a") as file:
        file.write(module.removeprefix("stages.") + "\n")
if module == "stages.train" and "STOP_TRAINING" in os.environ:
    stop_after_epochs(int(os.environ["STOP_TRAINING"]))
elif os.environ.get("FORKS"):
    from fork_server import forked, run_in_fork

    if command := forked(sys.orig_argv):
        run_in_fork(*command, os.environ["FORK_SERVER"])
