"""CSV as spreadsheets and programs write it, a row at a time: what is broken costs its own row and no other.

The csv module reads on from a quote that nothing closes to the end of the file, in memory, and cannot go back to the
line after it; that is why cells are told apart here.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from fakenews.data.lines import Lines

DELIMITERS = ",;\t"
MAX_COLUMNS = 1_000  # of a table of any format; more are keys of JSON that differ from line to line
_LOOK = 65_536  # characters of a header
_HEADER = re.compile(r'((?:[^"\r\n]|"[^"]*+")*+)(\r*\n|\r)?')


class _StrayQuote(Exception):
    """A quote that opens a cell in a line and that none closes, the next one having text behind it if there is one."""

    def __init__(self, opened: int, place: int, following: int = 0) -> None:
        told = f"not CSV: the quote that opens a cell in line {opened} is never closed"
        if following == opened:
            told = "not CSV: text behind the quote that closes a cell"
        elif following:
            told += f"; the next, in line {following}, has text behind it"
        super().__init__(told)
        self.after = (opened, place)


class Delimited:
    """A CSV file with a header.

    Its header tells the delimiter, the first of comma, semicolon and tab that stands in it outside quotes, and what
    ends a line.

    Parameters
    ----------
    path : Path
        In any encoding that `Lines` reads.

    Attributes
    ----------
    columns : tuple of str
        As the header names them.

    Raises
    ------
    ValueError
        If there is no header with a row beneath it, a column's name comes twice, or there are too many columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with Lines(path) as lines:
            self._delimiter, self._end = _marks(lines.head(_LOOK))
        with Lines(path, self._end) as lines:
            self.columns = self._header(lines)
        check_names(self.columns, path.name)
        if next(self.rows(_LOOK), None) is None:
            raise ValueError(f"{path.name} holds no rows beneath a header.")

    def rows(self, longest: int = sys.maxsize) -> Iterator[tuple[int, list[str] | str, float]]:
        """Every row: the line it begins in, its cells or what is wrong with it, share of the file read.

        A row with a quote that does not close a cell ends with the line of that quote. The lines after it, as far as
        the quote was taken to reach, then stand each for itself, so that none is read more than twice.

        Parameters
        ----------
        longest : int
            Characters that a cell may have; no more of it are held.
        """
        with Lines(self.path, self._end) as lines:
            self._header(lines)
            alone = 0  # lines before this one stand each for itself
            for line in lines:
                first = lines.number
                if not line.strip("\r\n"):
                    continue
                wrong = ""
                try:
                    cells = _cells(line, lines, self._delimiter, longest, first < alone)
                except _StrayQuote as stray:
                    wrong, alone = str(stray), max(alone, lines.number)
                    lines.go(*stray.after)
                else:
                    if len(cells) != len(self.columns):
                        wrong = f"cells: {len(cells)}, where the header has {len(self.columns)}"
                    elif any(len(cell) > longest for cell in cells):
                        wrong = f"a cell of more than {longest:,} characters"
                if wrong and lines.number > first:
                    wrong += f" (lines {first}–{lines.number})"
                yield first, wrong or cells, lines.share

    def _header(self, lines: Lines) -> tuple[str, ...]:
        """Names of the columns, read from the first lines.

        Raises
        ------
        ValueError
        """
        line = next(lines, "")
        if line and not line.strip("\r\n"):
            raise ValueError(f"{self.path.name} begins with an empty line: the first line names the columns.")
        try:
            return tuple(_cells(line, lines, self._delimiter, _LOOK, alone=False))
        except _StrayQuote as stray:
            raise ValueError(f"{self.path.name} cannot be read as CSV with a header: {stray}.") from None


def check_names(columns: Sequence[str], name: str) -> None:
    """Refuse columns of which two are called the same, or too many; `name` is the table's.

    Raises
    ------
    ValueError
    """
    check_width(columns, name)
    times = Counter(columns)
    twice = sorted(c for c, n in times.items() if n > 1)
    if any(c.strip() for c in twice):
        raise ValueError(f"{name} has the column {' and '.join(c for c in twice if c.strip())} more than once.")
    if twice:
        raise ValueError(f"{name} has {times[twice[0]]} columns without a name: name them.")


def check_width(columns: Collection[str], name: str) -> None:
    """Refuse more than `MAX_COLUMNS` columns; `name` is the table's.

    Raises
    ------
    ValueError
    """
    if len(columns) > MAX_COLUMNS:
        raise ValueError(f"{name} has more than {MAX_COLUMNS:,} columns: keep those that are needed.")


def _marks(head: str) -> tuple[str, str]:
    """Delimiter, and end of a line, by the beginning of a file."""
    found = _HEADER.match(head)
    names, end = found.groups() if found else ("", "")
    bare = re.sub('"[^"]*"', "", names)
    return next((mark for mark in DELIMITERS if mark in bare), ","), "\r" if end == "\r" else "\n"


def _cells(line: str, lines: Lines, delimiter: str, longest: int, alone: bool) -> list[str]:
    """Cells of the row that begins with a line, and goes on in the next ones where a cell in quotes does.

    Parameters
    ----------
    longest : int
        Of a longer cell, about so many characters are given.
    alone : bool
        The row ends with this line, whatever is open.

    Raises
    ------
    _StrayQuote
    """
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    cells: list[str] = []
    at = 0
    while True:
        if line.startswith('"', at):
            opened, place = lines.number, lines.place
            cell, start = "", at + 1
            while (end := _closing(line, start)) < 0:
                if len(cell) <= longest:
                    cell += line[start:].replace('""', '"')
                line, start = "" if alone else next(lines, ""), 0
                if not line:
                    raise _StrayQuote(opened, place)
            cells.append(cell + line[start:end].replace('""', '"'))
            at = end + 1
            if not line.startswith(delimiter, at):
                if line[at:].strip("\r\n"):
                    raise _StrayQuote(opened, place, lines.number)
                return cells
        else:
            at = line.find(delimiter, start := at)
            if at < 0:
                return [*cells, line[start:].rstrip("\r\n")]
            cells.append(line[start:at])
        at += 1


def _closing(line: str, at: int) -> int:
    """Where the next single quote stands, or -1: two together are one of the cell's own."""
    while (at := line.find('"', at)) >= 0 and line.startswith('"', at + 1):
        at += 2
    return at
