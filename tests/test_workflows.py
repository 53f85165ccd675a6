"""Workflows, forms, citation and hooks are valid, pinned and safe for pull requests from forks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FORMS = ".github/ISSUE_TEMPLATE"
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
# YAML 1.1 reads the key `on` as true.
WORKFLOWS = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}
STEPS = [
    (name, job, step)
    for name, workflow in WORKFLOWS.items()
    for job in workflow["jobs"].values()
    for step in job["steps"]
]

#: Released versions that are known to work.
RELEASED = {
    "actions/checkout@v7",
    "actions/setup-python@v6",
    "actions/cache/restore@v6",
    "actions/cache/save@v6",
    "actions/upload-artifact@v7",
    "actions/download-artifact@v8",
}


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", FILES),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
        ("vendor.github-issue-forms", sorted((ROOT / FORMS).glob("[!c]*.yml"))),
        ("vendor.github-issue-config", [ROOT / FORMS / "config.yml"]),
    ],
)
def test_files_follow_their_schema(schema, files):
    assert files
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_first_party_actions_at_released_versions_are_used():
    assert {step["uses"] for _, _, step in STEPS if "uses" in step} == RELEASED


@pytest.mark.parametrize("name", WORKFLOWS)
def test_code_of_pull_requests_runs_without_write_permission(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow[True]
    for job in workflow["jobs"].values():
        if "permissions" in job:
            assert job["permissions"] == {"pull-requests": "write"}
            assert "head.repo.full_name == github.repository" in job["if"]
            assert not [s for s in job["steps"] if "checkout" in s.get("uses", "")]
            assert not [s for s in job["steps"] if re.search("make|python", s.get("run", ""))]


def test_no_untrusted_text_is_interpolated_into_shell_commands():
    for _, _, step in STEPS:
        interpolated = set(re.findall(r"\${{ *([^ }]+)", step.get("run", "")))
        assert interpolated <= {"matrix.python"}


def test_secrets_are_in_the_environment_of_one_step_and_are_not_printed():
    users = [step for _, _, step in STEPS if "secrets." in json.dumps(step)]
    assert [user["env"] for user in users] == [
        {"DVC_CONFIG_LOCAL": "${{ secrets.DVC_CONFIG_LOCAL }}"}
    ]
    assert "echo \"$" not in users[0]["run"] and "set -x" not in users[0]["run"]
    assert "secrets." not in json.dumps([w.get("env") for w in WORKFLOWS.values()])


def test_only_audio_of_the_demo_is_uploaded_and_cached():
    for _, _, step in STEPS:
        if "reports/" in str(step.get("with", {}).get("path")) or "cache/save" in str(step):
            assert "steps.songs.outputs.set == 'demo'" in step["if"]


def test_workflows_call_existing_make_targets():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        target
        for _, _, step in STEPS
        for target in re.findall(r"\bmake ([a-z]+)", step.get("run", ""))
    }
    assert called == {"test", "report", "pull"} and called <= targets


GH = """#!{python}
import json, pathlib, sys
store = pathlib.Path("comments.json")
comments = json.loads(store.read_text()) if store.exists() else [[1, "Nice!"]]
arguments = sys.argv[1:]
if "--jq" in arguments:
    print(*[id for id, body in comments if body.startswith("<!-- vocalseg report -->")], sep="\\n")
else:
    body = pathlib.Path(arguments[-1].removeprefix("body=@")).read_text()
    method = arguments[arguments.index("--method") + 1]
    path = arguments[arguments.index("--method") + 2]
    if method == "POST":
        assert path == "repos/o/r/issues/7/comments"
        comments.append([len(comments) + 1, body])
    else:
        comments[int(path.removeprefix("repos/o/r/issues/comments/")) - 1][1] = body
    store.write_text(json.dumps(comments))
"""


def test_comment_is_created_once_and_then_updated(tmp_path):
    (step,) = [s for _, _, s in STEPS if "comment" in s.get("name", "")]
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(GH.format(python=sys.executable))
    gh.chmod(0o755)
    (tmp_path / "report").mkdir()
    for text in ("first", "second", "third"):
        body = f"<!-- vocalseg report -->\n{text}\n"
        (tmp_path / "report/comment.md").write_text(body)
        subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{gh.parent}{os.pathsep}{os.environ['PATH']}",
                "COMMENTS": "repos/o/r/issues/7/comments",
                "REPOSITORY": "o/r",
            },
            check=True,
        )
    assert json.loads((tmp_path / "comments.json").read_text()) == [[1, "Nice!"], [2, body]]


def test_hooks_have_the_versions_that_the_project_uses():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revs = {repo["repo"].rpartition("/")[2]: repo["rev"] for repo in hooks}
    pinned = dict(re.findall(r"^(\w+)==(\S+)$", (ROOT / "requirements-dev.txt").read_text(), re.M))
    assert revs["dvc"] == pinned["dvc"]
    minor = pinned["ruff"].rpartition(".")[0]  # minor versions change rules, patch versions do not
    assert revs["ruff-pre-commit"].removeprefix("v").rpartition(".")[0] == minor


def test_development_container_calls_existing_make_targets():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    command = container["postCreateCommand"]
    targets = set(re.findall(r"^([a-z./]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {t for part in command.split(" && ") for t in part.split()[1:]} <= targets
    (python,) = re.findall(r"python:([\d.]+)-", container["image"])
    assert python in WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["python"]
