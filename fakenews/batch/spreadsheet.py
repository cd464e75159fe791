"""Cells that a spreadsheet shows and does not run."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_RUNS = re.compile(r"""[\s"']*[=+\-@\t\r]""")


def safe_cell(value: str) -> str:
    """Return `value`, with an apostrophe before it where a spreadsheet would take it for a formula; numbers stay."""
    return f"'{value}" if _RUNS.match(value) and not _NUMBER.fullmatch(value) else value


def given_cell(cell: str) -> str:
    """Return what `safe_cell` made this cell of."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell
