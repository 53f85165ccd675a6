"""Report the effect of a change: parameters, stages, metrics, curves and songs against a base.

python -m study.report --base main --repro

Writes report.md with pictures, and comment.md with text charts in their place, because comments on
GitHub cannot show picture files. Prints report.md.
"""

import argparse
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
from matplotlib.figure import Figure

from study import compare
from study.repository import stages_of
from vocalseg.errors import BadInput

MARKER = "<!-- vocalseg report -->"  # identifies the comment, so that it can be updated
LOSSES = ("loss", "val_loss")
CURVES = "plots/training/plots/metrics/{}.tsv"
SONGS = "plots/songs.csv"
MATRIX = Path("metrics/matrix.csv")
CODE = Path("inputs")
SCORE = {"protocol": "museval", "metric": "sdr"}  # the score of songs that is compared
BASE, NOW = "#9a9a9a", "#0b6bcb"  # colours
MAX_BARS, MAX_ROWS = 12, 60  # songs in a chart and in the table


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
    columns = [read_table(CURVES.format(name), rev, sep="\t") for name in LOSSES]
    if any(column is None for column in columns):
        return None
    table = pd.DataFrame({n: c[n] for n, c in zip(LOSSES, columns, strict=True)})
    return table.set_index(table.index + 1)


def gains(rev: str | None = None) -> pd.Series | None:
    """Read each song's gain over the mixture in dB, without songs that have no score."""
    na = {"keep_default_na": False, "na_values": {"gain": ""}}  # a song's name may be "NA"
    table = read_table(SONGS, rev, **na)
    if table is None:
        return None
    chosen = table[(table[list(SCORE)] == pd.Series(SCORE)).all(axis=1)]
    return chosen.set_index("song")["gain"].dropna()


def number(value, sign: str = "") -> str:
    """Format a value for a cell; ``sign`` is the sign option of the format specification."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:{sign}.6g}"
    return "–" if value is None else cell(value)


def cell(value) -> str:
    """Escape text for a cell of a Markdown table."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(text.split())


def markdown(head: list[str], rows: list[list[str]], text_columns: int = 1) -> str:
    """Format a Markdown table; columns after the first ``text_columns`` are aligned right."""
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def parameters(changed: dict[str, tuple]) -> str:
    """Format the section on parameters from the result of :func:`diff`."""
    rows = [[f"`{k}`", number(old), number(new)] for k, (old, new) in changed.items()]
    return markdown(["parameter", "base", "now"], rows, text_columns=3) if rows else "None changed."


def stages(base: dict, now: dict, seconds: dict[str, float | None] | None) -> str:
    """Format the section on stages that ran or whose inputs differ from the base.

    Parameters
    ----------
    base, now : dict
        Results of :func:`stage_inputs`.
    seconds : dict or None
        Result of :func:`repro`; None if it was not called.
    """
    rows = []
    for stage in dict.fromkeys([*(seconds or {}), *now]):
        changed = changed_inputs(base.get(stage, {}), now.get(stage, {}))
        if not changed and (seconds or {}).get(stage) is None:
            continue
        shown = ", ".join(f"`{cell(key)}`" for key in changed[:4])
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        if seconds is None:
            ran = "not requested"
        elif stage not in seconds:
            ran = "no, its results were up to date"
        elif seconds[stage] is None:
            ran = "no, cache hit"
        else:
            ran = "{}:{:02}".format(*divmod(round(seconds[stage]), 60))
        reason = f"{shown}{more}" if stage in base else "new"
        rows.append([stage, reason or "its results were missing", ran])
    if not rows:
        return "None ran: every stage's code, parameters and input are those of the base."
    return markdown(["stage", "changed inputs", "ran (min:s)"], rows, text_columns=2)


def metrics(changed: dict[str, tuple], comparable: bool, base_has_metrics: bool) -> str:
    """Format the section on metrics from the result of :func:`diff`.

    With ``comparable=False``, a note says that the losses cannot be compared.
    """
    if not base_has_metrics:
        return "The base has no metrics to compare with."
    rows = []
    for key, (old, new) in sorted(changed.items()):  # eval before train
        both = all(isinstance(v, float | int) for v in (old, new))
        rows.append([key, number(old), number(new), number(new - old, "+") if both else "–"])
    if not rows:
        return "None changed."
    table = markdown(["metric", "base", "now", "difference"], rows)
    if not comparable:
        table += (
            "\n\nThe losses (`train: …`) cannot be compared, because the loss function or the tiles "
            "differ. The scores (`eval: …`, in dB) can be compared."
        )
    return table


def training_picture(base: pd.DataFrame | None, now: pd.DataFrame, comparable: bool) -> Figure:
    """Draw loss by epoch, in a panel each for base and now.

    The panels share the axis of losses only if these are comparable.
    """
    runs = [("base", base, BASE), ("now", now, NOW)]
    runs = [run for run in runs if run[1] is not None]
    figure = Figure(figsize=(4.2 * len(runs), 3.2), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False, sharex=True, sharey=comparable)[0]
    for panel, (name, table, color) in zip(panels, runs, strict=True):
        panel.plot(table.index, table["loss"], "--", color=color, label="training")
        panel.plot(table.index, table["val_loss"], "o-", color=color, label="validation")
        panel.set(title=name, xlabel="epoch", ylabel="loss on scaled tiles")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.tick_params(labelleft=True)
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
    return figure


def songs_picture(table: pd.DataFrame) -> Figure:
    """Draw each song's gain as two dots, base and now, joined by a line.

    Parameters
    ----------
    table : DataFrame
        ``now`` and optionally ``base``, in dB, indexed by song.
    """
    height = max(1.8, 0.28 * len(table) + 1)
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    positions = range(len(table))
    if "base" in table:
        axes.hlines(positions, table["base"], table["now"], color=BASE, linewidth=1.5)
        axes.plot(table["base"], positions, "o", color=BASE, label="base")
    axes.plot(table["now"], positions, "o", color=NOW, label="now")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(positions, [str(name)[:40] for name in table.index])
    axes.set(xlabel="gain over the mixture, dB (museval SDR)", ylim=(-0.7, len(table) - 0.3))
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return figure


def chart(title: str, x: str, y: str, series: dict[str, tuple[str, list]]) -> str:
    """Format a Mermaid chart, which GitHub draws.

    Parameters
    ----------
    title : str
    x : str
        Mermaid's definition of the x axis.
    y : str
        Label of the y axis.
    series : dict
        ("line" or "bar", values) by colour.
    """
    theme = json.dumps({"themeVariables": {"xyChart": {"plotColorPalette": ",".join(series)}}})
    drawn = [f"  {kind} {[round(float(v), 5) for v in values]}" for kind, values in series.values()]
    lines = [f"%%{{init: {theme}}}%%", "xychart-beta", f'  title "{title}"', f"  x-axis {x}"]
    return "\n".join(["```mermaid", *lines, f'  y-axis "{y}"', *drawn, "```"])


def training_chart(base: pd.DataFrame | None, now: pd.DataFrame, comparable: bool) -> str:
    """Format validation losses as a Mermaid chart, or two if they are not comparable."""

    def losses(**runs):
        last = max(len(run) for run in runs.values())
        colors = {"base": BASE, "now": NOW}
        series = {colors[name]: ("line", list(run["val_loss"])) for name, run in runs.items()}
        epochs = f'"epoch" {list(range(1, last + 1))}'
        return chart(f"Validation loss: {' and '.join(runs)}", epochs, "loss", series)

    if base is None:
        return losses(now=now)
    # Mermaid stretches each line over the whole axis, so only runs of equal length share a chart.
    if comparable and len(base) == len(now):
        return "Grey: base, blue: now.\n\n" + losses(base=base, now=now)
    return losses(base=base) + "\n\n" + losses(now=now)


def songs_chart(table: pd.DataFrame) -> str:
    """Format each song's gain as a Mermaid chart; takes a table as :func:`songs_picture`."""
    if len(table) > MAX_BARS:
        return f"There are too many songs for a chart ({len(table)}): see the table and the picture."
    table = table[::-1]  # best first
    names = [" ".join(str(name).replace('"', "'").split())[:24] for name in table.index]
    series = {NOW: ("bar", list(table["now"]))}
    note = ""
    if "base" in table and not table["base"].isna().any():
        series[BASE] = ("line", list(table["base"]))
        note = "Blue bars: now, grey line: base.\n\n"
    x = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    return note + chart("Gain over the mixture, museval SDR", x, "dB", series)


def songs_table(table: pd.DataFrame) -> str:
    """Format each song's gain as a folded Markdown table, best first."""
    table = table[::-1]
    head = ["song", *table.columns]
    rows = [[cell(song), *(f"{v:.2f}" if v == v else "–" for v in row)]
            for song, row in zip(table.index, table.to_numpy()[:MAX_ROWS], strict=False)]
    if "base" in table:
        head.append("difference")
        for row, change in zip(rows, table["now"] - table["base"], strict=False):
            row.append(f"{change:+.2f}" if change == change else "–")
    rest = f"\n\nand {len(table) - MAX_ROWS} more" if len(table) > MAX_ROWS else ""
    return (
        f"<details><summary>Gain of each song over the mixture, dB</summary>\n\n"
        f"{markdown(head, rows)}{rest}\n\n</details>"
    )


def save_figure(out: Path, name: str, picture: Figure, alt: str) -> str:
    """Save a figure and return the Markdown that shows it."""
    picture.savefig(out / name, dpi=110)
    return f"![{alt}]({name})"


def plot_sections(base: str, comparable: bool, out: Path) -> tuple[list[str], list[str]]:
    """Format the sections on curves and songs, once with pictures and once with text charts."""
    absent = "The base's are not in the DVC cache (`dvc fetch` fetches them if a remote has them)."
    with_pictures, with_charts = [], []
    before, now = curves(base), curves()
    if now is None:
        with_pictures = with_charts = ["### Training curves\n\nThere are none; run `dvc repro`."]
    else:
        note = [absent] if before is None else []
        picture = training_picture(before, now, comparable)
        for sections, body in (
            (with_pictures,
             save_figure(out, "training.png", picture, "Loss by epoch, base and now")),
            (with_charts, training_chart(before, now, comparable)),
        ):  # fmt: skip
            sections.append("\n\n".join(["### Training curves", *note, body]))
    old, new = gains(base), gains()
    if new is None or new.empty:
        none = "### Songs\n\nNo song has a score; run `dvc repro`."
        return [*with_pictures, none], [*with_charts, none]
    columns = {"now": new} if old is None else {"base": old.reindex(new.index), "now": new}
    table = pd.DataFrame(columns).sort_values("now")
    note = [absent] if old is None else []
    picture = save_figure(
        out, "songs.png", songs_picture(table), "Gain of each song, base and now"
    )
    return tuple(
        [*sections, "\n\n".join(["### Songs", *note, body, songs_table(table)])]
        for sections, body in ((with_pictures, picture), (with_charts, songs_chart(table)))
    )


def experiments() -> str:
    """Format the comparison of this commit's experiments, or the committed one without them."""
    try:
        return compare.markdown(compare.table(compare.rows()))
    except BadInput as error:
        if MATRIX.exists():
            committed = compare.markdown(pd.read_csv(MATRIX))
            return f"This commit has none; from `{MATRIX}`:\n\n{committed}"
        return f"None to compare: {error}"


def run_link() -> list[str]:
    """Link to the pictures of a workflow run on GitHub; empty elsewhere."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name) for name in names)
    if not (server and repository and run):
        return []
    address = f"{server}/{repository}/actions/runs/{run}"
    return [f"Pictures, and separated songs if their licence allows it: [this run]({address})."]


def write(base: str, seconds: dict[str, float | None] | None, out: Path) -> str:
    """Write ``report.md``, ``comment.md`` and pictures.

    Parameters
    ----------
    base : str
        Branch, tag or commit to compare with.
    seconds : dict or None
        Result of :func:`repro`; None if it was not called.
    out : Path
        Folder, created if it does not exist.

    Returns
    -------
    str
        The text of ``report.md``.
    """
    commit = base_commit(base)
    out.mkdir(parents=True, exist_ok=True)
    for old in ("report.md", "comment.md", "training.png", "songs.png"):
        (out / old).unlink(missing_ok=True)
    title = f"## What changed against `{base}` ({commit[:7]})"
    changed, scores = diff("params", commit), diff("metrics", commit)
    before, now = stage_inputs(commit), stage_inputs()
    differ = any(changed_inputs(before.get(s, {}), now.get(s, {})) for s in {**before, **now})
    ran = any(value is not None for value in (seconds or {}).values())
    if not (changed or scores or differ or ran):
        with_pictures = with_charts = [title, "**Nothing**: no parameter, no stage, no metric."]
    else:
        # Losses are comparable if silence has the same loss: same function, same tiles.
        comparable = "train: val_loss_of_zeros" not in scores
        base_has_metrics = bool(capture("git", "ls-tree", "--name-only", commit, "metrics/").stdout)
        head = [
            title,
            f"### Parameters\n\n{parameters(changed)}",
            f"### Stages\n\n{stages(before, now, seconds)}",
            f"### Metrics\n\n{metrics(scores, comparable, base_has_metrics)}",
        ]
        tail = [f"### Experiments\n\n{experiments()}"]
        with_pictures, with_charts = (
            [*head, *body, *tail] for body in plot_sections(commit, comparable, out)
        )
    text = "\n\n".join(with_pictures) + "\n"
    (out / "report.md").write_text(text, encoding="utf-8")
    comment = "\n\n".join([MARKER, *with_charts, *run_link()]) + "\n"
    (out / "comment.md").write_text(comment, encoding="utf-8")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="main", help="branch, tag or commit to compare with")
    parser.add_argument("--repro", action="store_true", help="run `dvc repro` first and time its stages")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder to write to")
    options = parser.parse_args()
    base_commit(options.base)  # fails before the long run, not after it
    seconds = repro() if options.repro else None
    print(write(options.base, seconds, options.out))


if __name__ == "__main__":
    main()
