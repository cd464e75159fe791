"""CSV as spreadsheets and programs write it, a row at a time: what is broken costs its own row and no other.

The csv module reads on from a quote that nothing closes to the end of the file, in memory, and cannot go back to the
line after it; that is why cells are parsed here.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fakenews.data.lines import Lines

DELIMITERS = ",;\t|"
MAX_COLUMNS = 1_000  # of a table of any format; more are keys of JSON that differ from line to line
_LOOK = 262_144  # characters that tell the dialect, and that a header may have
_LISTED, _LONGEST = 20, 60  # names in a message, and characters of each
_HEADER = re.compile(r'((?:[^"\r\n]|"[^"]*+")*+)(\r*\n|\r)?')
_SEP = re.compile(r"sep=(.)[\r\n]*", re.I)  # the line that tells Excel the delimiter


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a program writes CSV."""

    # delimiter, quote: between cells, and around those that need it
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""  # what stands before a quote of the cell's own; a second quote where there is none
    end: str = "\n"  # of a line
    skipped: int = 0  # lines before the header

    def unquoted(self, text: str) -> str:
        """Return a piece of a cell in quotes as it was before it was written."""
        text = text.replace(self.quote * 2, self.quote)
        return re.sub(rf"\\([\\{self.quote}\n])", r"\1", text) if self.escape else text

    def closing(self, line: str, at: int) -> int:
        """Return where the quote stands that closes a cell, or -1; a doubled or escaped quote closes none."""
        while (at := line.find(self.quote, at)) >= 0:
            if self.escape and _is_escaped(line, at, self.escape):
                at += 1
            elif line.startswith(self.quote, at + 1):
                at += 2
            else:
                break
        return at


class _StrayQuote(Exception):
    """A quote that opens a cell in a line and that none closes, the next one having text behind it if there is one."""

    def __init__(self, opened: int, offset: int, following: int = 0) -> None:
        problem = f"not CSV: the quote that opens a cell in line {opened} is never closed"
        if following == opened:
            problem = "not CSV: text behind the quote that closes a cell"
        elif following:
            problem += f"; the next, in line {following}, has text behind it"
        super().__init__(problem)
        self.after = (opened, offset)


class _Readable(Protocol):
    """What rows are read from: `Lines`, or the beginning of a file."""

    number: int
    offset: int
    problem: str

    def __iter__(self) -> Iterator[str]: ...
    def __next__(self) -> str: ...
    def go(self, number: int, offset: int) -> None:
        """Stand where so many lines and bytes have been read."""


class Delimited:
    """A CSV file with a header.

    Its beginning tells the dialect: the delimiter of the header that the rows share, the quotes and what escapes them,
    and what ends a line. The header's names end with the last one; cells beyond it are empty. Rows of empty cells are
    passed over.

    Raise `ValueError` if there is no header with a row beneath it, a column's name comes twice, or there are too many
    columns.

    Parameters
    ----------
    path : Path
        In any encoding that `Lines` reads.
    encoding : str
        Its encoding, if it is known.

    Attributes
    ----------
    columns : tuple of str
        As the header names them.
    """

    def __init__(self, path: Path, encoding: str = "") -> None:
        self.path = path
        self._encoding = encoding
        with Lines(path, encoding=encoding) as lines:
            self._dialect = _dialect(lines.head(_LOOK))
        with self._lines() as lines:
            self.columns = self._header(lines)
        check_names(self.columns, path.name)
        if not self.columns or next(self.rows(_LOOK), None) is None:
            raise ValueError(f"{path.name} holds no rows beneath a header.")

    def rows(self, longest: int = sys.maxsize) -> Iterator[tuple[int, list[str] | str, float]]:
        """Yield every row: the line it begins in, its cells or what is wrong with it, share of the file read.

        A row with a quote that does not close a cell ends with the line of that quote. The lines after it, as far as
        the quote was taken to reach, then stand each for itself, so that none is read more than twice.

        Parameters
        ----------
        longest : int
            Characters that a cell may have; no more of it are held.
        """
        with self._lines() as lines:
            self._header(lines)
            for line, cells in _rows(lines, self._dialect, len(self.columns), longest):
                yield line, cells, lines.share

    def _lines(self) -> Lines:
        return Lines(self.path, self._dialect.end, self._encoding)

    def _header(self, lines: Lines) -> tuple[str, ...]:
        """Return the names of the columns, read from the first lines."""
        for _ in range(self._dialect.skipped):
            next(lines, "")
        line = next(lines, "")
        if line and not line.strip("\r\n"):
            raise ValueError(f"{self.path.name} begins with an empty line: the first line names the columns.")
        try:
            names = _names(_cells(line, lines, self._dialect, _LOOK, alone=False))
        except _StrayQuote as stray:
            raise ValueError(f"{self.path.name} cannot be read as CSV with a header: {stray}.") from None
        if lines.problem:
            raise ValueError(f"{self.path.name}, line {lines.number}: {lines.problem}.")
        return names


def _names(header: list[str]) -> tuple[str, ...]:
    """Return the names of the columns up to the last that has one."""
    n_named = max((i for i, name in enumerate(header, start=1) if name.strip()), default=0)
    return tuple(header[:n_named])


def _rows(lines: _Readable, dialect: Dialect, n_columns: int, longest: int) -> Iterator[tuple[int, list[str] | str]]:
    """Yield every row from here on: the line it begins in, its cells or what is wrong with it."""
    alone = 0  # lines before this one stand each for itself
    for line in lines:
        first = lines.number
        if not line.strip("\r\n"):
            continue
        wrong = ""
        try:
            cells = _cells(line, lines, dialect, longest, first < alone)
        except _StrayQuote as stray:
            wrong, alone = str(stray), max(alone, lines.number)
            if f"\\{dialect.quote}" in line and not dialect.escape:
                wrong += "; quotes are written twice in CSV, not behind a backslash"
            lines.go(*stray.after)
        else:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < n_columns or any(cell.strip() for cell in cells[n_columns:]):
                wrong = f"cells: {len(cells)}, where the header has {n_columns}"
            elif any(len(cell) > longest for cell in cells):
                wrong = f"a cell of more than {longest:,} characters"
        if lines.problem:
            wrong, lines.problem = wrong or lines.problem, ""
        if wrong and lines.number > first:
            wrong += f" (lines {first}–{lines.number})"
        yield first, wrong or cells[:n_columns]


def check_names(columns: Sequence[str], name: str) -> None:
    """Refuse columns of which two are called the same, or too many; `name` is the table's."""
    check_width(columns, name)
    times = Counter(columns)
    twice = sorted(c for c, n in times.items() if n > 1)
    if any(c.strip() for c in twice):
        raise ValueError(f"{name} has the column {' and '.join(c for c in twice if c.strip())} more than once.")
    if twice:
        raise ValueError(f"{name} has {times[twice[0]]} columns without a name: name them.")


def listed_names(values: Iterable[str]) -> str:
    """Return names or values of a file for a message: not many, not long, nothing that does not print."""
    names = list(values)
    shown = ["".join(c if c.isprintable() else "?" for c in value[:_LONGEST]) for value in names[:_LISTED]]
    return ", ".join(shown) + (f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else "")


def find_column(columns: Sequence[str], name: str, table: str) -> str:
    """Return the column that is called `name`, in any case and between blanks; "" where there is none.

    Raise `ValueError` if there are several, and so a question which is meant.
    """
    matches = [c for c in columns if c.strip().lower() == name]
    if len(matches) > 1:
        raise ValueError(
            f"{table} has the columns {' and '.join(matches)}: which one holds the {name}? Rename or remove the other."
        )
    return matches[0] if matches else ""


def check_width(columns: Collection[str], name: str) -> None:
    """Refuse more than `MAX_COLUMNS` columns; `name` is the table's."""
    if len(columns) > MAX_COLUMNS:
        raise ValueError(f"{name} has more than {MAX_COLUMNS:,} columns: keep those that are needed.")


class _Cut(Exception):
    """The beginning of a file that was read is over, and the file is not."""


class _Sample:
    """The beginning of a file as lines, or the whole of it; offsets count lines."""

    def __init__(self, lines: list[str], whole: bool) -> None:
        self.lines = lines
        self.whole = whole
        self.number = self.offset = 0
        self.problem = ""

    def go(self, number: int, offset: int) -> None:
        self.number = self.offset = number

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.number >= len(self.lines):
            raise StopIteration if self.whole else _Cut
        self.number = self.offset = self.number + 1
        return self.lines[self.number - 1]


def _dialect(head: str) -> Dialect:
    """Return the dialect by the beginning of a file.

    Double quotes, written twice within a cell, are what CSV has. Other ones are looked for where a row cannot be read
    so, and taken where every row can be read with them.
    """
    match = _HEADER.match(head)
    names, end = match.groups() if match else ("", "")
    end = "\r" if end == "\r" else "\n"
    lines = [f"{line}{end}" for line in head.split(end)]
    lines[-1] = lines[-1].removesuffix(end)
    if len(head) >= _LOOK:
        del lines[-1]  # it goes on
    skipped = 0
    if lines and (sep := _SEP.fullmatch(lines[0])):
        skipped, delimiters = 1, [sep[1]]
        del lines[0]
    else:
        bare = re.sub('"[^"]*"', "", names)
        delimiters = [delimiter for delimiter in DELIMITERS if delimiter in bare] or [","]
    candidates = [Dialect(delimiter, end=end, skipped=skipped) for delimiter in delimiters]
    read = [_read(lines, dialect, len(head) < _LOOK) for dialect in candidates]
    best = max(range(len(candidates)), key=lambda i: (read[i][0], -read[i][1], read[i][2]))  # the first of equals
    if not read[best][1]:
        return candidates[best]
    for quote, escape in (('"', "\\"), ("'", ""), ("'", "\\")):
        if f"{escape}{quote}" not in head:
            continue
        for delimiter in delimiters:
            between = re.escape(delimiter)
            if quote == "'" and not all(re.search(p, head, re.M) for p in (f"(^|{between})'", f"'({between}|\r*$)")):
                continue
            other = Dialect(delimiter, quote, escape, end, skipped)
            good, bad, _ = _read(lines, other, len(head) < _LOOK)
            if good and not bad:
                return other
    return candidates[best]


def _read(lines: list[str], dialect: Dialect, whole: bool) -> tuple[int, int, int]:
    """Count the rows that can be read in a dialect, those that cannot, and the columns."""
    sample = _Sample(lines, whole)
    rows: list[list[str] | str] = []
    n_columns = 0
    try:
        n_columns = len(_names(_cells(next(sample, ""), sample, dialect, _LOOK, alone=False)))
        for _, cells in _rows(sample, dialect, n_columns, _LOOK):
            rows.append(cells)
    except _StrayQuote:
        return 0, 1, 0
    except _Cut:
        pass  # a row that goes on
    bad = sum(isinstance(cells, str) for cells in rows)
    return len(rows) - bad, bad, n_columns


def _is_escaped(line: str, at: int, escape: str) -> bool:
    """Return whether an odd number of escapes stands before an index."""
    first = at
    while first and line[first - 1] == escape:
        first -= 1
    return (at - first) % 2 == 1


def _cells(line: str, lines: _Readable, dialect: Dialect, longest: int, alone: bool) -> list[str]:
    """Return the cells of the row that begins with a line, and goes on where a quote is open.

    Parameters
    ----------
    longest : int
        Of a longer cell, about so many characters are given.
    alone : bool
        The row ends with this line, whatever is open.
    """
    quote, delimiter = dialect.quote, dialect.delimiter
    if quote not in line:
        return line.rstrip("\r\n").split(delimiter)
    cells: list[str] = []
    at = 0
    while True:
        if line.startswith(quote, at):
            opened, offset = lines.number, lines.offset
            cell, start = "", at + 1
            while (end := dialect.closing(line, start)) < 0:
                if len(cell) <= longest:
                    cell += dialect.unquoted(line[start:])
                line, start = "" if alone else next(lines, ""), 0
                if not line:
                    raise _StrayQuote(opened, offset)
            cells.append(cell + dialect.unquoted(line[start:end]))
            at = end + 1
            if not line.startswith(delimiter, at):
                if line[at:].strip("\r\n"):
                    raise _StrayQuote(opened, offset, lines.number)
                return cells
        else:
            at = line.find(delimiter, start := at)
            if at < 0:
                return [*cells, line[start:].rstrip("\r\n")]
            cells.append(line[start:at])
        at += 1
