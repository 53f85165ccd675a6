"""Run all experiments of `matrix` or of a study in params.yaml, each stage once per setting.

    python -m study.matrix [--study NAME] [--jobs 2] [--dry-run]
    python -m study.matrix --runner slurm [--jobs 16] [--sbatch OPTIONS] [--detach]

The runner `local` uses DVC's queue on this machine, `slurm` submits jobs to a cluster. Experiments
that the same code and parameters have produced before do not run again. For a study, these include
the rows of its table `metrics/STUDY.csv` (see :mod:`study.records`).
"""

import argparse
import os
import shlex
import signal
import sys
from functools import partial
from pathlib import Path

from study import local, plan
from study.command import run
from study.progress import TAIL
from study.repository import require_repository
from study.slurm import runner as slurm
from vocalseg.errors import BadInput


def parser() -> argparse.ArgumentParser:
    """Create the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m study.matrix", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--study", metavar="NAME", help="one of `studies`; default: `matrix`")
    add("--runner", choices=("local", "slurm"), default="local", help="where experiments run")
    add("--jobs", type=int, default=2, help="number of experiments that run at the same time")
    add("--dry-run", action="store_true", help="only print what would run")
    add("--sbatch", default="", metavar="OPTIONS", help="slurm: sbatch options for every job")
    add("--detach", action="store_true", help="slurm: exit after submitting, without waiting")
    return parser


def validated(arguments: argparse.Namespace) -> argparse.Namespace:
    """Check the arguments and split ``sbatch`` into words.

    Raises
    ------
    BadInput
        If a value is out of range or does not fit the runner.
    """
    if arguments.jobs < 1:
        raise BadInput(f"--jobs {arguments.jobs}: must be at least 1")
    if arguments.runner == "local" and (arguments.sbatch or arguments.detach):
        raise BadInput("--sbatch and --detach need --runner slurm; add it")
    try:
        arguments.sbatch = shlex.split(arguments.sbatch)
    except ValueError as error:
        raise BadInput(f"--sbatch {arguments.sbatch!r}: {error}") from None
    return arguments


def run_matrix(arguments: argparse.Namespace) -> dict[str, list[str]] | None:
    """Run the missing experiments with the chosen runner.

    Parameters
    ----------
    arguments : Namespace
        Result of :func:`validated`.

    Returns
    -------
    dict or None
        Log lines of each experiment that failed, by name; None if the command did not wait.
    """
    if arguments.runner == "local":
        load = partial(plan.load_matrix, arguments.study)
        return local.run(load, arguments.jobs, arguments.dry_run)
    return slurm.run(
        arguments.study, arguments.jobs, arguments.sbatch, arguments.dry_run, arguments.detach
    )


def prepare_process() -> None:
    """Check the repository; set the PATH and the signals of a command that runs experiments."""
    require_repository()
    # Workers call `dvc` and stages call `python`; both must be those of this environment.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for number in (signal.SIGINT, signal.SIGTERM):  # shells ignore SIGINT in background jobs
        signal.signal(number, signal.default_int_handler)


def exit_if_failed(failed: dict[str, list[str]]) -> None:
    """Print the end of the log of each experiment that failed, and exit if there is one."""
    for name, log in failed.items():
        print(f"\n{name} failed:", *log[-TAIL:], sep="\n  ", file=sys.stderr)
    if failed:
        sys.exit(
            f"\n{len(failed)} failed: {', '.join(failed)}; fix the cause and run the same command "
            "again"
        )


def main() -> None:
    arguments = validated(parser().parse_args())
    prepare_process()
    failed = run_matrix(arguments)
    if failed is None:
        return
    exit_if_failed(failed)
    if arguments.study:  # imported here, because TensorFlow and SciPy take seconds
        from study import ladder

        ladder.main([arguments.study])
    else:
        from study import compare

        compare.main([])


if __name__ == "__main__":
    run(main)
