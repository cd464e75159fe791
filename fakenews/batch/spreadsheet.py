"""Tables for spreadsheets, in cells that are shown and not run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_RUNS = re.compile(r"""[\s"']*[=+\-@\t\r]""")


def safe_cell(value: str) -> str:
    """Return `value`, with an apostrophe before it where a spreadsheet would take it for a formula; numbers stay."""
    return f"'{value}" if _RUNS.match(value) and not _NUMBER.fullmatch(value) else value


def given_cell(cell: str) -> str:
    """Return what `safe_cell` made this cell of."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell


def table_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return CSV with a header; texts are the caller's to make safe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
