"""Rows of a table, one after the other, whatever its length: what can be scored, and what cannot with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.data.table import UTF16, decode
from fakenews.services import InputError
from fakenews.text import encodable, join

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".jsonl", ".parquet")
MAX_CHARACTERS = 1_000_000  # of one row's text
_READ = 1024  # rows of parquet at once
_TEXT_NAMES = ("text", "article", "body", "content", "statement", "claim")
_TITLE_NAMES = ("title", "headline")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `title` may be empty."""

    text: str = "text"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands (a line from 1, a row from 1 in parquet), its values by column, the text to score."""

    line: int
    values: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be scored, and why, in words."""

    line: int
    reason: str


Item = Row | BadRow


class Table:
    """A file of rows.

    Parameters
    ----------
    path : Path
        .csv with a header, .jsonl with an object a line, or .parquet.

    Attributes
    ----------
    columns : tuple of str
        Of a JSONL file, every key that any of its lines has.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it cannot be read as its suffix says, or has no rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suffix = path.suffix.lower()
        if self.suffix not in SUFFIXES:
            raise InputError(f"Cannot read {path.name!r}: expected one of {', '.join(SUFFIXES)}.")
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        self.columns = {".csv": self._csv_header, ".jsonl": self._jsonl_keys, ".parquet": self._parquet_names}[
            self.suffix
        ]()
        twice = sorted({c for c in self.columns if self.columns.count(c) > 1})
        if twice:
            raise InputError(f"{path.name} has the column {' and '.join(twice)} more than once.")

    def guess(self) -> Columns:
        """Columns by their usual names; no text where none is usual."""
        names = {c.strip().lower(): c for c in reversed(self.columns)}
        text = next((names[n] for n in _TEXT_NAMES if n in names), "")
        title = next((names[n] for n in _TITLE_NAMES if n in names and names[n] != text), "")
        return Columns(text, title)

    def check(self, columns: Columns) -> None:
        """Refuse columns that are not here.

        Raises
        ------
        InputError
        """
        for name in (columns.text, columns.title):
            if name and name not in self.columns:
                raise InputError(f"{self.path.name} has no column {name!r}: it has {', '.join(self.columns)}.")

    def schema(self) -> pa.Schema | None:
        """Types of a parquet file's columns; None for files without types."""
        if self.suffix != ".parquet":
            return None
        import pyarrow.parquet as pq

        return pq.read_schema(self.path)

    def items(self, columns: Columns) -> Iterator[tuple[Item, float]]:
        """Every row in order, good or bad, with the share of the file that has been read."""
        readers = {".csv": self._csv_rows, ".jsonl": self._jsonl_rows, ".parquet": self._parquet_rows}
        for line, found, share in readers[self.suffix]():
            yield found if isinstance(found, BadRow) else _row(line, found, columns), share

    def _lines(self) -> Iterator[tuple[str, int]]:
        """Lines as text with the bytes read so far; lines that are not UTF-8 are read as Windows-1252."""
        read = 0
        with self.path.open("rb") as file:
            for raw in file:
                line = decode(raw) if read == 0 or not raw.isascii() else raw.decode("ascii")
                read += len(raw)
                yield line, read

    def _csv_header(self) -> tuple[str, ...]:
        with self.path.open("rb") as file:
            if file.read(2) in UTF16:
                raise InputError(f"{self.path.name} is encoded in UTF-16: save it in UTF-8.")
        reader = csv.reader((line for line, _ in self._lines()), strict=True)
        try:
            header = next(reader)
            next(reader)
        except StopIteration:
            raise InputError(f"{self.path.name} holds no rows beneath a header.") from None
        except csv.Error as error:
            if "new-line character" in str(error):
                raise InputError(f"{self.path.name} ends its lines with CR alone: save it with LF or CRLF.") from error
            if "header" not in locals():
                raise InputError(f"{self.path.name} cannot be read as CSV with a header: {error}.") from error
        if not header:
            raise InputError(f"{self.path.name} begins with an empty line: the first line names the columns.")
        for mark, name in ((";", "semicolons"), ("\t", "tabs")):
            if len(header) == 1 and mark in header[0]:
                raise InputError(f"{self.path.name} separates its columns by {name}: save it with commas.")
        return tuple(header)

    def _csv_rows(self) -> Iterator[tuple[int, dict[str, Any] | BadRow, float]]:
        size = self.path.stat().st_size
        read = number = quotes = 0

        def lines() -> Iterator[str]:
            nonlocal read, number, quotes
            for line, read in self._lines():  # noqa: B007
                number += 1
                quotes += line.count('"')
                yield line

        source = lines()
        csv.field_size_limit(MAX_CHARACTERS + 1)
        reader = csv.reader(source, strict=True)
        next(reader)
        while True:
            line, quotes = number + 1, 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "field larger" in str(error):  # the rest of the cell is no rows of its own
                    while quotes % 2 and next(source, None) is not None:
                        pass
                yield line, BadRow(line, f"not CSV: {error}"), read / size
                continue
            if not cells:
                continue  # an empty line
            if len(cells) != len(self.columns):
                found: dict[str, Any] | BadRow = BadRow(
                    line, f"cells: {len(cells)}, where the header has {len(self.columns)}"
                )
            else:
                found = dict(zip(self.columns, cells, strict=True))
            yield line, found, read / size

    def _jsonl_keys(self) -> tuple[str, ...]:
        keys: dict[str, None] = {}
        for _, found, _ in self._jsonl_rows():
            if isinstance(found, dict):
                keys.update(dict.fromkeys(found))
        if not keys:
            raise InputError(f"{self.path.name} holds no line with a JSON object.")
        return tuple(keys)

    def _jsonl_rows(self) -> Iterator[tuple[int, dict[str, Any] | BadRow, float]]:
        size = self.path.stat().st_size
        for number, (line, read) in enumerate(self._lines(), start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                told = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
                yield number, BadRow(number, f"not JSON: {told}"), read / size
                continue
            if not isinstance(found, dict):
                found = BadRow(number, f"expected a JSON object, got {type(found).__name__}")
            yield number, found, read / size

    def _parquet_names(self) -> tuple[str, ...]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{self.path.name} cannot be read as parquet: {error}") from error
        with file:
            if file.metadata.num_rows <= 0:  # a damaged file may say anything
                raise InputError(f"{self.path.name} holds no rows.")
            return tuple(file.schema_arrow.names)

    def _parquet_rows(self) -> Iterator[tuple[int, dict[str, Any] | BadRow, float]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        number = 0
        try:
            with pq.ParquetFile(self.path) as file:
                total = file.metadata.num_rows
                for batch in file.iter_batches(_READ):
                    for values in batch.to_pylist():
                        number += 1
                        yield number, values, min(1.0, number / total)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{self.path.name} is damaged after row {number}: {error}") from error


def _row(line: int, values: dict[str, Any], columns: Columns) -> Item:
    text, title = values.get(columns.text), values.get(columns.title) if columns.title else ""
    if text is not None and not isinstance(text, str):
        return BadRow(line, f"{columns.text} is no text but {type(text).__name__}")
    if not text or not text.strip():
        return BadRow(line, f"no text in {columns.text}")
    whole = join(title if isinstance(title, str) else "", text)
    if len(whole) > MAX_CHARACTERS:
        return BadRow(line, f"{len(whole):,} characters; at most {MAX_CHARACTERS:,} are scored")
    return Row(line, values, encodable(whole))


def taken(columns: Sequence[str], new: Sequence[str], name: str) -> None:
    """Refuse a table that has a column of ours already.

    Raises
    ------
    InputError
    """
    clash = [c for c in new if c in columns]
    if clash:
        raise InputError(f"{name} has a column {clash[0]!r} already, which scoring would add: rename it first.")
