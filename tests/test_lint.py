"""The linters find nothing."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_style_docstrings_and_types_pass_the_linters():
    done = subprocess.run(
        ["make", "-o", "setup", "-o", ".venv/.dev", "lint"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
