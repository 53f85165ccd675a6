"""Print the scores of the last run with their lower and upper bounds, as a Markdown table.

python -m study.scores
"""

import json
from pathlib import Path

ROWS = {
    "mixture": "mixture (floor)",
    "eval": "**vocalseg**",
    "irm": "ideal ratio mask",
    "mix_phase": "true magnitude, mixture's phase",
}
COLUMNS = {
    "museval": {"sdr": "SDR", "sir": "SIR", "sar": "SAR", "isr": "ISR"},
    "global": {"sdr": "SDR", "si_sdr": "SI-SDR"},
    "table1": {"sdr": "SDR", "sir": "SIR", "sar": "SAR"},
}


def table(scores: dict, bounds: dict) -> str:
    """Format the contents of ``metrics/eval.json`` and ``metrics/bounds.json`` as Markdown."""
    rows = {**bounds, "eval": scores}
    return markdown({label: rows[key] for key, label in ROWS.items()})


def markdown(rows: dict[str, dict], digits: int = 1) -> str:
    """Format scores as a Markdown table, in dB.

    Parameters
    ----------
    rows : dict
        Scores with the structure of ``metrics/eval.json``, by the row's label.
    digits : int
        Number of decimals.
    """
    heads = [f"{p} {name}" for p, names in COLUMNS.items() for name in names.values()]
    lines = [f"| dB | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    for label, scores in rows.items():
        values = [scores[p][metric] for p, names in COLUMNS.items() for metric in names]
        cells = ["–" if value is None else f"{value:.{digits}f}" for value in values]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    metrics = (json.loads(Path(f"metrics/{name}.json").read_text()) for name in ("eval", "bounds"))
    print(table(*metrics))
