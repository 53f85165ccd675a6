"""Format scores and their lower and upper bounds as a Markdown table."""

ROWS = {
    "mixture": "mixture (floor)",
    "eval": "**params.yaml**",
    "preset": "**preset**",
    "irm": "ideal ratio mask",
    "mix_phase": "true magnitude, mixture's phase",
}
COLUMNS = {
    "museval": {"sdr": "SDR", "sir": "SIR", "sar": "SAR", "isr": "ISR"},
    "global": {"sdr": "SDR", "si_sdr": "SI-SDR"},
    "table1": {"sdr": "SDR", "sir": "SIR", "sar": "SAR"},
}


def table(scores: dict, bounds: dict, preset: dict | None = None) -> str:
    """Format the scores of the last run, and of the preset, between their bounds as Markdown.

    Parameters
    ----------
    scores : dict
        Content of ``metrics/eval.json``.
    bounds : dict
        Content of ``metrics/bounds.json``.
    preset : dict or None
        Scores with the structure of ``metrics/eval.json``.
    """
    rows = {**bounds, "eval": scores} | ({"preset": preset} if preset else {})
    return markdown({label: rows[key] for key, label in ROWS.items() if key in rows})


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
