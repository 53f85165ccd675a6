"""Format tables of text for a terminal and as Markdown."""

from itertools import groupby

import pandas as pd


def markdown(cells: pd.DataFrame) -> str:
    """Format a table as Markdown, with numbers aligned right.

    Parameters
    ----------
    cells : DataFrame of str
        The columns are pairs (group, head); the group may be empty.
    """
    lines = [
        [" ".join(filter(None, head)) for head in cells],
        ["---:" if _is_numeric(cells[head]) else "---" for head in cells],
        *cells.to_numpy(),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def terminal(cells: pd.DataFrame) -> str:
    """Format a table as aligned text, with groups above their heads.

    Takes the same table as :func:`markdown`.
    """
    widths = {head: max(map(len, [head[1], *cells[head]])) for head in cells}
    groups = [
        name.ljust(sum(widths[head] + 2 for head in heads))
        for name, heads in groupby(cells, key=lambda head: head[0])
    ]
    lines = [[head[1] for head in cells], *cells.to_numpy()]
    right = [_is_numeric(cells[head]) for head in cells]
    aligned = [
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths.values(), right, strict=True)
        )
        for line in lines
    ]
    return "\n".join(line.rstrip() for line in ["".join(groups), *aligned] if line.strip())


def decibels(value: float) -> str:
    """Format a value with two decimals, a missing one as a dash.

    Examples
    --------
    >>> decibels(1.234), decibels(-0.001)
    ('1.23', '0.00')
    """
    return "–" if pd.isna(value) else f"{value:z.2f}"


def _is_numeric(text: pd.Series) -> bool:
    return bool(text.str.match(r"<|–|-?\d").all())
