"""Report the effect of a change: parameters, stages, metrics, curves and songs against a base.

python -m study.report --base main --repro

Writes report.md with pictures, and comment.md with text charts in their place, because comments on
GitHub cannot show picture files. Prints report.md.
"""

import argparse
import os
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from study import changes, compare
from study.change_charts import songs_chart, songs_picture, training_chart, training_picture
from study.outputs import save
from vocalseg.errors import BadInput

MARKER = "<!-- vocalseg report -->"  # identifies the comment, so that it can be updated
MATRIX = Path("metrics/matrix.csv")
MAX_ROWS = 60  # songs in the table


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
    """Format the section on parameters from the result of :func:`study.changes.diff`."""
    rows = [[f"`{k}`", number(old), number(new)] for k, (old, new) in changed.items()]
    return markdown(["parameter", "base", "now"], rows, text_columns=3) if rows else "None changed."


def stages(base: dict, now: dict, seconds: dict[str, float | None] | None) -> str:
    """Format the section on stages that ran or whose inputs differ from the base.

    Parameters
    ----------
    base, now : dict
        Results of :func:`study.changes.stage_inputs`.
    seconds : dict or None
        Result of :func:`study.changes.repro`; None if it was not called.
    """
    rows = []
    for stage in dict.fromkeys([*(seconds or {}), *now]):
        changed = changes.changed_inputs(base.get(stage, {}), now.get(stage, {}))
        elapsed = (seconds or {}).get(stage)
        if not changed and elapsed is None:
            continue
        shown = ", ".join(f"`{cell(key)}`" for key in changed[:4])
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        if seconds is None:
            ran = "not requested"
        elif stage not in seconds:
            ran = "no, its results were up to date"
        elif elapsed is None:
            ran = "no, cache hit"
        else:
            ran = "{}:{:02}".format(*divmod(round(elapsed), 60))
        reason = f"{shown}{more}" if stage in base else "new"
        rows.append([stage, reason or "its results were missing", ran])
    if not rows:
        return "None ran: every stage's code, parameters and input are those of the base."
    return markdown(["stage", "changed inputs", "ran (min:s)"], rows, text_columns=2)


def metrics(changed: dict[str, tuple], comparable: bool, base_has_metrics: bool) -> str:
    """Format the section on metrics from the result of :func:`study.changes.diff`.

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
            "\n\nThe losses (`train: …`) cannot be compared, because the loss function or the "
            "tiles differ. The scores (`eval: …`, in dB) can be compared."
        )
    return table


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
    save(picture, out / name)
    return f"![{alt}]({name})"


def plot_sections(base: str, comparable: bool, out: Path) -> tuple[list[str], list[str]]:
    """Format the sections on curves and songs, once with pictures and once with text charts."""
    absent = "The base's are not in the DVC cache (`dvc fetch` fetches them if a remote has them)."
    before, now = changes.curves(base), changes.curves()
    if now is None:
        with_pictures = with_charts = ["### Training curves\n\nThere are none; run `dvc repro`."]
    else:
        head = "\n\n".join(["### Training curves", *([absent] if before is None else [])])
        picture = save_figure(
            out,
            "training.png",
            training_picture(before, now, comparable),
            "Loss by epoch, base and now",
        )
        with_pictures = [f"{head}\n\n{picture}"]
        with_charts = [f"{head}\n\n{training_chart(before, now, comparable)}"]
    old, new = changes.gains(base), changes.gains()
    if new is None or new.empty:
        none = "### Songs\n\nNo song has a score; run `dvc repro`."
        return [*with_pictures, none], [*with_charts, none]
    columns = {"now": new} if old is None else {"base": old.reindex(new.index), "now": new}
    table = pd.DataFrame(columns).sort_values("now")
    head = "\n\n".join(["### Songs", *([absent] if old is None else [])])
    picture = save_figure(
        out, "songs.png", songs_picture(table), "Gain of each song, base and now"
    )
    rows = songs_table(table)
    return (
        [*with_pictures, f"{head}\n\n{picture}\n\n{rows}"],
        [*with_charts, f"{head}\n\n{songs_chart(table)}\n\n{rows}"],
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
        Result of :func:`study.changes.repro`; None if it was not called.
    out : Path
        Folder, created if it does not exist.

    Returns
    -------
    str
        The text of ``report.md``.
    """
    commit = changes.base_commit(base)
    out.mkdir(parents=True, exist_ok=True)
    for old in ("report.md", "comment.md", "training.png", "songs.png"):
        (out / old).unlink(missing_ok=True)
    title = f"## What changed against `{base}` ({commit[:7]})"
    changed, scores = changes.diff("params", commit), changes.diff("metrics", commit)
    before, now = changes.stage_inputs(commit), changes.stage_inputs()
    pairs = [(before.get(stage, {}), now.get(stage, {})) for stage in {**before, **now}]
    differ = any(changes.changed_inputs(*pair) for pair in pairs)
    ran = any(value is not None for value in (seconds or {}).values())
    if not (changed or scores or differ or ran):
        with_pictures = with_charts = [title, "**Nothing**: no parameter, no stage, no metric."]
    else:
        # Losses are comparable if silence has the same loss: same function, same tiles.
        comparable = "train: val_loss_of_zeros" not in scores
        listed = changes.capture("git", "ls-tree", "--name-only", commit, "metrics/").stdout
        head = [
            title,
            f"### Parameters\n\n{parameters(changed)}",
            f"### Stages\n\n{stages(before, now, seconds)}",
            f"### Metrics\n\n{metrics(scores, comparable, bool(listed))}",
        ]
        tail = [f"### Experiments\n\n{experiments()}"]
        with_pictures, with_charts = (
            [*head, *body, *tail] for body in plot_sections(commit, comparable, out)
        )
    comment = "\n\n".join([MARKER, *with_charts, *run_link()])
    text = "\n\n".join(with_pictures) + "\n"
    (out / "comment.md").write_text(f"{comment}\n", encoding="utf-8")
    (out / "report.md").write_text(text, encoding="utf-8")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="main", help="branch, tag or commit to compare with")
    parser.add_argument("--repro", action="store_true", help="run `dvc repro` first and time it")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder to write to")
    options = parser.parse_args()
    changes.base_commit(options.base)  # fails before the long run, not after it
    seconds = changes.repro() if options.repro else None
    print(write(options.base, seconds, options.out))


if __name__ == "__main__":
    main()
