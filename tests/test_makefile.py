"""`make` chooses a Python that runs, whatever names are on PATH."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.pipeline.conftest import ROOT

PYTHONS = ("python3.13", "python3.12", "python3.11")
ADVICE = "install Python 3.11, 3.12 or 3.13"


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile, and a PATH on which every Python is a shim that fails."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "sh", "env", "make", "touch", "true"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    for name in (*PYTHONS, "python3", "python"):
        write_script(tmp_path / "bin" / name, f"echo {name}: command not found >&2; exit 127")
    return tmp_path


def write_script(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def make(project, *arguments):
    return subprocess.run(
        ["make", *arguments], cwd=project, capture_output=True, text=True,
        env={"PATH": str(project / "bin"), "HOME": os.environ.get("HOME", "")},
    )  # fmt: skip


@pytest.mark.parametrize("working", PYTHONS)
def test_setup_uses_the_python_that_runs(project, working):
    write_script(project / "bin" / working, f'exec {sys.executable} "$@"')
    (project / "requirements.txt").touch()
    (project / "pyproject.toml").touch()
    dry_run = make(project, "--dry-run", ".venv/.done")
    assert f'python="{working}"' in dry_run.stdout


def test_setup_without_a_python_prints_one_line_of_advice(project):
    (project / "requirements.txt").touch()
    (project / "pyproject.toml").touch()
    done = make(project, ".venv/.done")
    assert done.returncode
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert ADVICE in line
    assert not (project / ".venv").exists()


def test_doctor_uses_any_python_that_runs(project):
    write_script(project / "bin/python", "test $1 = -c || echo ran: $*")
    assert make(project, "doctor").stdout == "ran: -m study.doctor\n"


def test_doctor_without_a_python_prints_advice(project):
    done = make(project, "doctor")
    assert done.returncode and ADVICE in done.stderr


def test_requirements_of_the_demo_are_a_subset_of_those_of_the_tests(project):
    """They have the same versions, without packages that only the tests and the app need."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, project)
    (project / "pyproject.toml").touch()
    demo, tests = (
        dict(re.findall(r"^([\w.-]+)==([^ \n]+)", (project / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert demo.items() < tests.items()
    assert {"gradio", "pytest", "ruff"} <= tests.keys() - demo.keys()
    assert "requirements-dev" not in make(project, "--dry-run", "demo").stdout
    assert "-r requirements-dev.txt" in make(project, "--dry-run", "test").stdout


@pytest.mark.parametrize("uv_works", [True, False])
def test_pip_installs_the_packages_where_uv_fails(project, uv_works):
    for name in ("requirements.txt", "pyproject.toml", "requirements-dev.txt"):
        (project / name).touch()
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/.done").touch()
    fails = "" if uv_works else 'test "$2" = uv && exit 1'
    write_script(project / ".venv/bin/python", f'echo "$2 $*" >> ran.txt; {fails}\ntrue')
    assert make(project, ".venv/.dev").returncode == 0
    ran = (project / "ran.txt").read_text().splitlines()
    installers = [line.split()[0] for line in ran if line.endswith("-r requirements-dev.txt")]
    assert installers == (["uv"] if uv_works else ["uv", "pip"])
    assert (project / ".venv/.dev").exists()
