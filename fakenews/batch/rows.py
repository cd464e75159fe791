"""Rows of a table, one after the other, whatever its length: what can be scored, and what cannot with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.data.delimited import Delimited, check_names, check_width
from fakenews.data.lines import json_rows
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
        If it cannot be read as its suffix says, has no rows or more than 1,000 columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suffix = path.suffix.lower()
        if self.suffix not in SUFFIXES:
            raise InputError(f"Cannot read {path.name!r}: expected one of {', '.join(SUFFIXES)}.")
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        names = {".csv": self._csv_header, ".jsonl": self._jsonl_keys, ".parquet": self._parquet_names}[self.suffix]
        try:
            self.columns = names()
            check_names(self.columns, path.name)
        except ValueError as error:
            raise InputError(str(error)) from error

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
        readers = {".csv": self._csv_rows, ".jsonl": lambda: json_rows(self.path), ".parquet": self._parquet_rows}
        for line, found, share in readers[self.suffix]():
            yield BadRow(line, found) if isinstance(found, str) else _row(line, found, columns), share

    def _csv_header(self) -> tuple[str, ...]:
        self._csv = Delimited(self.path)
        return self._csv.columns

    def _csv_rows(self) -> Iterator[tuple[int, dict[str, Any] | str, float]]:
        for line, cells, share in self._csv.rows(MAX_CHARACTERS):
            yield line, cells if isinstance(cells, str) else dict(zip(self.columns, cells, strict=True)), share

    def _jsonl_keys(self) -> tuple[str, ...]:
        keys: dict[str, None] = {}
        for _, found, _ in json_rows(self.path):
            if isinstance(found, dict):
                keys.update(dict.fromkeys(found))
                check_width(keys, self.path.name)
        if not keys:
            raise InputError(f"{self.path.name} holds no line with a JSON object.")
        return tuple(keys)

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

    def _parquet_rows(self) -> Iterator[tuple[int, dict[str, Any], float]]:
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
