"""All experiments of `matrix`, or of a study, in params.yaml: each stage once for its settings.

    python -m study.matrix [--study NAME] [--jobs 2] [--dry-run]
    python -m study.matrix --runner slurm [--jobs 16] [--sbatch OPTIONS] [--detach]

The runner `local` uses DVC's queue on this machine, `slurm` the jobs of a cluster. What is there
already, made by the same code and parameters, is not run again; of a study that is also what its
table holds, `metrics/STUDY.csv` (see :mod:`study.records`).
"""

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path

from study import compare, local
from study.command import run
from study.progress import TAIL
from study.repository import require_repository
from study.slurm import runner as slurm
from vocalseg.errors import BadInput


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m study.matrix", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--study", metavar="NAME", help="of `studies`; by default, `matrix`")
    add("--runner", choices=("local", "slurm"), default="local", help="where experiments run")
    add("--jobs", type=int, default=2, help="experiments at a time")
    add("--dry-run", action="store_true", help="only say what would run")
    add("--sbatch", default="", metavar="OPTIONS", help="slurm: options of sbatch for every job")
    add("--detach", action="store_true", help="slurm: end after the submission, do not wait")
    return parser


def checked(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments; raises :class:`BadInput` for those that make no sense."""
    if arguments.jobs < 1:
        raise BadInput(f"--jobs {arguments.jobs}: must be at least 1")
    if arguments.runner == "local" and (arguments.sbatch or arguments.detach):
        raise BadInput("--sbatch and --detach are options of --runner slurm; add it")
    try:
        arguments.sbatch = shlex.split(arguments.sbatch)
    except ValueError as error:
        raise BadInput(f"--sbatch {arguments.sbatch!r}: {error}") from None
    return arguments


def work(arguments: argparse.Namespace) -> dict[str, list[str]] | None:
    """Run what is missing; names of what failed with its log, None if there is nothing to tell."""
    if arguments.runner == "local":
        return local.run(arguments.study, arguments.jobs, arguments.dry_run)
    return slurm.run(
        arguments.study, arguments.jobs, arguments.sbatch, arguments.dry_run, arguments.detach
    )


def main() -> None:
    arguments = checked(parser().parse_args())
    require_repository()
    # DVC's workers look for `dvc`, stages for `python`: this environment's, also if not activated.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for ending in (signal.SIGINT, signal.SIGTERM):  # a background job has the first switched off
        signal.signal(ending, signal.default_int_handler)
    failed = work(arguments)
    if failed is None:
        return
    for name, log in failed.items():
        print(f"\n{name} failed:", *log[-TAIL:], sep="\n  ", file=sys.stderr)
    if failed:
        sys.exit(
            f"\n{len(failed)} failed: {', '.join(failed)}; fix the cause and run the same command "
            "again"
        )
    if arguments.study:
        from study import ladder  # TensorFlow takes seconds to import

        ladder.main([arguments.study])
    else:
        compare.main([])


if __name__ == "__main__":
    run(main)
