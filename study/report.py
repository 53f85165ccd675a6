"""What a change did, against a base commit: parameters, stages, metrics, curves, songs.

python -m study.report --base main --repro

Writes report.md with pictures, and comment.md, the same with charts in text: GitHub shows no
pictures from files in a comment. Prints report.md.
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

MARKER = "<!-- vocalseg report -->"  # by which the comment is found again
LOSSES = ("loss", "val_loss")
CURVES = "plots/training/plots/metrics/{}.tsv"
SONGS = "plots/songs.csv"
MATRIX = Path("metrics/matrix.csv")
CODE = Path("inputs")
SCORE = {"protocol": "museval", "metric": "sdr"}  # the one that songs are compared by
BASE, NOW = "#9a9a9a", "#0b6bcb"
MOST_BARS, MOST_ROWS = 12, 60  # of songs, in a chart and in the table


def call(*command: str) -> subprocess.CompletedProcess:
    """Run a command and keep what it says."""
    return subprocess.run(command, capture_output=True, text=True)


def base_commit(base: str) -> str:
    """The last commit that the current one shares with ``base``: what was before the change."""
    if not Path("dvc.yaml").exists():
        sys.exit("dvc.yaml: no such file; run from the repository's folder")
    if call("git", "rev-parse", "--git-dir").returncode:
        sys.exit("not a git repository: there is no base to compare with; clone it with git")
    verify = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    found = call("git", *verify, f"{base}^{{commit}}")
    if found.returncode:
        sys.exit(f"--base {base}: no such commit here; fetch it (git fetch) or name another")
    shared = call("git", "merge-base", found.stdout.strip(), "HEAD")
    return (shared if shared.stdout else found).stdout.strip()


def repro() -> dict[str, float | None]:
    """Run ``dvc repro``: seconds of each stage that ran, None if the cache had its results."""
    took: dict[str, float | None] = {}
    running, began = None, 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},  # lines arrive when they are written
    )
    for line in process.stdout:
        print(line, end="", file=sys.stderr)
        started = re.match(r"Running stage '(.+)':", line)
        cached = re.match(r"Stage '(.+)' is cached", line)
        if running and (started or re.match(r"(Updating|Generating) lock file|Stage '", line)):
            took[running] = time.monotonic() - began
            running = None
        if cached:
            took[cached[1]] = None
        if started:
            running, began = started[1], time.monotonic()
            took[running] = 0.0
    took.pop("inputs", None)  # it always runs
    if process.wait():
        where = f" in stage {running}" if running else ""
        sys.exit(f"dvc repro failed{where}: see above; nothing is reported")
    if running and running != "inputs":
        took[running] = time.monotonic() - began
    return took


def diff(kind: str, base: str) -> dict[str, tuple]:
    """``dvc params diff`` or ``dvc metrics diff``: key to (before, now)."""
    done = call(sys.executable, "-m", "dvc", kind, "diff", base, "--json")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        sys.exit(f"dvc {kind} diff {base[:7]}: {reason}")
    return {
        key if kind == "params" else f"{Path(file).stem}: {key}": (v.get("old"), v.get("new"))
        for file, keys in json.loads(done.stdout or "{}").items()
        for key, v in keys.items()
    }


def text_of(path: str | Path, base: str | None = None) -> str:
    """A file of the project now or at a commit; empty if there is none."""
    if base:
        return call("git", "show", f"{base}:./{path}").stdout
    return Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""


def lock(base: str | None = None) -> dict[str, dict]:
    """What each stage of ``dvc.lock`` used and made, now or at a commit.

    Returns
    -------
    dict
        By stage: digests of data, modules and libraries, and values of parameters, by name. The
        stage ``inputs`` is left out, since it always runs.
    """
    stages = stages_of(text_of("dvc.lock", base))
    return {name: used(entry, base) for name, entry in stages.items() if name != "inputs"}


def used(entry: dict, base: str | None) -> dict:
    """Names and values of what a stage used; for code, of modules and libraries."""
    found = {"command": entry.get("cmd"), **entry.get("params", {}).get("params.yaml", {})}
    for dep in entry.get("deps", []):
        content = {}
        if Path(dep["path"]).parent == CODE:
            content = json.loads(text_of(dep["path"], base) or "{}")
        parts = [content[kind] for kind in ("modules", "distributions") if kind in content]
        for part in parts or [{dep["path"]: dep.get("md5")}]:
            found |= part
    return found


def reasons(before: dict, now: dict) -> list[str]:
    """Names of what a stage used otherwise than the base: parameters, data, modules, libraries."""
    return [key for key in {**before, **now} if before.get(key) != now.get(key)]


def read(path: str, rev: str | None = None, **options) -> pd.DataFrame | None:
    """A table that a stage wrote, now or at a commit; None if it is not here."""
    try:
        text = dvc.api.read(path, rev=rev) if rev else Path(path).read_text(encoding="utf-8")
    except Exception:  # no such file; in no cache; a remote's own reasons
        return None
    return pd.read_csv(io.StringIO(text), **options)


def curves(rev: str | None = None) -> pd.DataFrame | None:
    """Loss and validation loss by epoch, from 1."""
    columns = [read(CURVES.format(name), rev, sep="\t") for name in LOSSES]
    if any(column is None for column in columns):
        return None
    table = pd.DataFrame({n: c[n] for n, c in zip(LOSSES, columns, strict=True)})
    return table.set_index(table.index + 1)


def gains(rev: str | None = None) -> pd.Series | None:
    """Each song's gain in dB over the mixture, for songs that have the score."""
    table = read(SONGS, rev, keep_default_na=False, na_values={"gain": ""})  # a song may be "NA"
    if table is None:
        return None
    chosen = table[(table[list(SCORE)] == pd.Series(SCORE)).all(axis=1)]
    return chosen.set_index("song")["gain"].dropna()


def number(value, sign: str = "") -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:{sign}.6g}"
    return "–" if value is None else cell(value)


def cell(value) -> str:
    """Text that stays within its cell of a Markdown table."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(text.split())


def markdown(head: list[str], rows: list[list[str]], text_columns: int = 1) -> str:
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def parameters(changed: dict[str, tuple]) -> str:
    rows = [[f"`{k}`", number(old), number(new)] for k, (old, new) in changed.items()]
    return markdown(["parameter", "base", "now"], rows, text_columns=3) if rows else "None changed."


def stages(base: dict, now: dict, took: dict[str, float | None] | None) -> str:
    """Stages that ran or use something else than at the base: why, and for how long."""
    rows = []
    for stage in dict.fromkeys([*(took or {}), *now]):
        why = reasons(base.get(stage, {}), now.get(stage, {}))
        if not why and (took or {}).get(stage) is None:
            continue
        shown = ", ".join(f"`{cell(key)}`" for key in why[:4])
        more = f" and {len(why) - 4} more" if len(why) > 4 else ""
        if took is None:
            ran = "was not asked to"
        elif stage not in took:
            ran = "no, its results were there"
        elif took[stage] is None:
            ran = "no, from the cache"
        else:
            ran = "{}:{:02}".format(*divmod(round(took[stage]), 60))
        why_text = f"{shown}{more}" if stage in base else "new"
        rows.append([stage, why_text or "its results were not here", ran])
    if not rows:
        return "None ran: every stage's code, parameters and input are those of the base."
    return markdown(["stage", "changed in what it uses", "ran (min:s)"], rows, text_columns=2)


def metrics(changed: dict[str, tuple], comparable: bool, known: bool) -> str:
    if not known:
        return "The base has no metrics: nothing to compare with."
    rows = []
    for key, (old, new) in sorted(changed.items()):  # eval before train
        both = all(isinstance(v, float | int) for v in (old, new))
        rows.append([key, number(old), number(new), number(new - old, "+") if both else "–"])
    if not rows:
        return "None changed."
    table = markdown(["metric", "base", "now", "difference"], rows)
    if not comparable:
        table += (
            "\n\nThe losses (`train: …`) are of another kind or of other tiles than the base's: do "
            "not compare them. The scores (`eval: …`, in dB) can be compared."
        )
    return table


def training_picture(base: pd.DataFrame | None, now: pd.DataFrame, comparable: bool) -> Figure:
    """Loss by epoch, base and now in panels that share their axis only if it means the same."""
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
    """Each song's gain: a dot for the base, one for now, a line from one to the other."""
    height = max(1.8, 0.28 * len(table) + 1)
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    places = range(len(table))
    if "base" in table:
        axes.hlines(places, table["base"], table["now"], color=BASE, linewidth=1.5)
        axes.plot(table["base"], places, "o", color=BASE, label="base")
    axes.plot(table["now"], places, "o", color=NOW, label="now")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, [str(name)[:40] for name in table.index])
    axes.set(xlabel="gain over the mixture, dB (museval SDR)", ylim=(-0.7, len(table) - 0.3))
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="best")
    return figure


def chart(title: str, x: str, y: str, series: dict[str, tuple[str, list]]) -> str:
    """A chart that GitHub draws from text: series as colour to (line or bar, values)."""
    theme = json.dumps({"themeVariables": {"xyChart": {"plotColorPalette": ",".join(series)}}})
    drawn = [f"  {kind} {[round(float(v), 5) for v in values]}" for kind, values in series.values()]
    lines = [f"%%{{init: {theme}}}%%", "xychart-beta", f'  title "{title}"', f"  x-axis {x}"]
    return "\n".join(["```mermaid", *lines, f'  y-axis "{y}"', *drawn, "```"])


def training_chart(base: pd.DataFrame | None, now: pd.DataFrame, comparable: bool) -> str:
    def losses(**runs):
        ends = max(len(run) for run in runs.values())
        colors = {"base": BASE, "now": NOW}
        series = {colors[name]: ("line", list(run["val_loss"])) for name, run in runs.items()}
        epochs = f'"epoch" {list(range(1, ends + 1))}'
        return chart(f"Validation loss: {' and '.join(runs)}", epochs, "loss", series)

    if base is None:
        return losses(now=now)
    # A line starts at the left end: runs of different length would not share their epochs.
    if comparable and len(base) == len(now):
        return "Grey: base, blue: now.\n\n" + losses(base=base, now=now)
    return losses(base=base) + "\n\n" + losses(now=now)


def songs_chart(table: pd.DataFrame) -> str:
    if len(table) > MOST_BARS:
        return f"{len(table)} songs are too many for a chart here: see the table and the picture."
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
    table = table[::-1]
    head = ["song", *table.columns]
    rows = [[cell(song), *(f"{v:.2f}" if v == v else "–" for v in row)]
            for song, row in zip(table.index, table.to_numpy()[:MOST_ROWS], strict=False)]
    if "base" in table:
        head.append("difference")
        for row, change in zip(rows, table["now"] - table["base"], strict=False):
            row.append(f"{change:+.2f}" if change == change else "–")
    rest = f"\n\nand {len(table) - MOST_ROWS} more" if len(table) > MOST_ROWS else ""
    return (
        f"<details><summary>Gain of each song over the mixture, dB</summary>\n\n"
        f"{markdown(head, rows)}{rest}\n\n</details>"
    )


def figure(out: Path, name: str, picture: Figure, alt: str) -> str:
    picture.savefig(out / name, dpi=110)
    return f"![{alt}]({name})"


def pictures(base: str, comparable: bool, out: Path) -> tuple[list[str], list[str]]:
    """Sections on curves and songs: with pictures, and with charts in text."""
    absent = "The base's are not in the DVC cache (`dvc fetch` brings them if a remote has them)."
    drawn, written = [], []
    before, now = curves(base), curves()
    if now is None:
        drawn = written = ["### Training curves\n\nThere are none: `dvc repro` makes them."]
    else:
        note = [absent] if before is None else []
        picture = training_picture(before, now, comparable)
        for sections, body in (
            (drawn, figure(out, "training.png", picture, "Loss by epoch, base and now")),
            (written, training_chart(before, now, comparable)),
        ):
            sections.append("\n\n".join(["### Training curves", *note, body]))
    old, new = gains(base), gains()
    if new is None or new.empty:
        none = "### Songs\n\nNo song has a score: `dvc repro` makes them."
        return [*drawn, none], [*written, none]
    columns = {"now": new} if old is None else {"base": old.reindex(new.index), "now": new}
    table = pd.DataFrame(columns).sort_values("now")
    note = [absent] if old is None else []
    picture = figure(out, "songs.png", songs_picture(table), "Gain of each song, base and now")
    return tuple(
        [*sections, "\n\n".join(["### Songs", *note, body, songs_table(table)])]
        for sections, body in ((drawn, picture), (written, songs_chart(table)))
    )


def experiments() -> str:
    """The comparison of this commit's experiments, or else the one that is committed."""
    try:
        return compare.markdown(compare.table(compare.rows()))
    except BadInput as error:
        if MATRIX.exists():
            committed = compare.markdown(pd.read_csv(MATRIX))
            return f"None on this commit; as in `{MATRIX}`:\n\n{committed}"
        return f"None to compare: {error}"


def run_link() -> list[str]:
    """Where GitHub keeps the pictures, if this is one of its runs."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name) for name in names)
    if not (server and repository and run):
        return []
    address = f"{server}/{repository}/actions/runs/{run}"
    return [f"Pictures, and separated songs where their licence allows it: [this run]({address})."]


def write(base: str, took: dict[str, float | None] | None, out: Path) -> str:
    """Write ``report.md``, ``comment.md`` and pictures to a folder; returns the report's text."""
    commit = base_commit(base)
    out.mkdir(parents=True, exist_ok=True)
    for old in ("report.md", "comment.md", "training.png", "songs.png"):
        (out / old).unlink(missing_ok=True)
    title = f"## What changed against `{base}` ({commit[:7]})"
    changed, scores = diff("params", commit), diff("metrics", commit)
    before, now = lock(commit), lock()
    differ = any(reasons(before.get(s, {}), now.get(s, {})) for s in {**before, **now})
    ran = any(seconds is not None for seconds in (took or {}).values())
    if not (changed or scores or differ or ran):
        drawn = written = [title, "**Nothing**: no parameter, no stage, no metric."]
    else:
        # The same loss on the same tiles: then silence has the same loss.
        comparable = "train: val_loss_of_zeros" not in scores
        known = bool(call("git", "ls-tree", "--name-only", commit, "metrics/").stdout)
        head = [
            title,
            f"### Parameters\n\n{parameters(changed)}",
            f"### Stages\n\n{stages(before, now, took)}",
            f"### Metrics\n\n{metrics(scores, comparable, known)}",
        ]
        tail = [f"### Experiments\n\n{experiments()}"]
        drawn, written = ([*head, *body, *tail] for body in pictures(commit, comparable, out))
    text = "\n\n".join(drawn) + "\n"
    (out / "report.md").write_text(text, encoding="utf-8")
    comment = "\n\n".join([MARKER, *written, *run_link()]) + "\n"
    (out / "comment.md").write_text(comment, encoding="utf-8")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="main", help="branch, tag or commit to compare with")
    parser.add_argument("--repro", action="store_true", help="run `dvc repro` first, and time it")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder to write to")
    options = parser.parse_args()
    base_commit(options.base)  # a wrong base is told before hours are spent
    took = repro() if options.repro else None
    print(write(options.base, took, options.out))


if __name__ == "__main__":
    main()
