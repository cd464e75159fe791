"""Rows of a table, one after the other, whatever its length: what can be scored, and what cannot with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.data.delimited import Delimited, check_names, check_width, find_column, listed_names
from fakenews.data.formats import format_of
from fakenews.data.lines import array_rows, json_rows
from fakenews.engine.errors import InputError
from fakenews.text import encodable, join

if TYPE_CHECKING:
    import pyarrow as pa

OUT_SUFFIXES = (".csv", ".jsonl", ".parquet")  # of the scored table
MAX_CHARACTERS = 1_000_000  # of one row's text
_NO_TEXT = "no text in "
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
    """One row: where it stands, its values by column, the text to score.

    It stands in a line, or in a row of parquet or an array of JSON; each from 1.
    """

    line: int
    values: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be scored, and why, in words."""

    line: int
    reason: str

    @property
    def has_no_text(self) -> bool:
        """Return whether that is all that is wrong with it."""
        return self.reason.startswith(_NO_TEXT)


Item = Row | BadRow


class Table:
    """A file of rows.

    Raise `FileNotFoundError` if there is no such file; `InputError` if it cannot be read as its suffix says, has no
    rows or more than 1,000 columns.

    Parameters
    ----------
    path : Path
        Of any format that `formats.format_of` knows.
    encoding : str
        Of its text, if that is known.

    Attributes
    ----------
    columns : tuple of str
        Of a JSONL file, every key that any of its lines has.
    """

    def __init__(self, path: Path, encoding: str = "") -> None:
        self.path = path
        self.encoding = encoding
        try:
            self.format = format_of(path, encoding)
            names = {"csv": self._csv_header, "parquet": self._parquet_names}.get(self.format, self._json_keys)
            self.columns = names()
            check_names(self.columns, path.name)
        except ValueError as error:
            raise InputError(str(error)) from error

    def guess(self, text: str = "", title: str = "") -> Columns:
        """Guess columns by their usual names, where none is given; no text where none is usual.

        Raise `InputError` if two columns have the same usual name but for its case.
        """
        try:
            text = text or self._usual(_TEXT_NAMES)
        except ValueError as error:
            raise InputError(f"{str(error).removesuffix('.')}, or name it with --text-column.") from None
        try:
            title = title or self._usual(_TITLE_NAMES)
        except ValueError as error:
            raise InputError(f"{str(error).removesuffix('.')}, or name it with --title-column.") from None
        return Columns(text, title if title != text else "")

    def _usual(self, names: Sequence[str]) -> str:
        return next(filter(None, (find_column(self.columns, name, self.path.name) for name in names)), "")

    def check(self, columns: Columns) -> None:
        """Refuse columns that are not here."""
        for name in (columns.text, columns.title):
            if name and name not in self.columns:
                raise InputError(f"{self.path.name} has no column {name!r}: it has {listed_names(self.columns)}.")

    def schema(self) -> pa.Schema | None:
        """Return the types of a parquet file's columns; None for files without types."""
        if self.format != "parquet":
            return None
        import pyarrow.parquet as pq

        return pq.read_schema(self.path)

    def items(self, columns: Columns) -> Iterator[tuple[Item, float]]:
        """Yield every row in order, good or bad, with the share of the file that has been read."""
        readers = {"csv": self._csv_rows, "parquet": self._parquet_rows}
        for line, problem_or_values, share in readers.get(self.format, self._json_rows)():
            yield (
                BadRow(line, problem_or_values)
                if isinstance(problem_or_values, str)
                else _row(line, problem_or_values, columns),
                share,
            )

    def _csv_header(self) -> tuple[str, ...]:
        self._csv = Delimited(self.path, self.encoding)
        return self._csv.columns

    def _csv_rows(self) -> Iterator[tuple[int, dict[str, Any] | str, float]]:
        for line, cells, share in self._csv.rows(MAX_CHARACTERS):
            yield line, cells if isinstance(cells, str) else dict(zip(self.columns, cells, strict=True)), share

    def _json_rows(self) -> Iterator[tuple[int, dict[str, Any] | str, float]]:
        return (array_rows if self.format == "json" else json_rows)(self.path, self.encoding)

    def _json_keys(self) -> tuple[str, ...]:
        keys: dict[str, None] = {}
        for _, values, _ in self._json_rows():
            if isinstance(values, dict):
                keys.update(dict.fromkeys(values))
                check_width(keys, self.path.name)
        if not keys:
            raise InputError(f"{self.path.name} holds no JSON object: one a line is expected, or an array of them.")
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
        alone = ", a title alone" if isinstance(title, str) and title.strip() else ""
        return BadRow(line, f"{_NO_TEXT}{columns.text}{alone}")
    whole = join(title if isinstance(title, str) else "", text)
    if len(whole) > MAX_CHARACTERS:
        return BadRow(line, f"{len(whole):,} characters; at most {MAX_CHARACTERS:,} are scored")
    return Row(line, values, encodable(whole))


def taken(columns: Sequence[str], new: Sequence[str], name: str) -> None:
    """Refuse a table that has a column of ours already."""
    clash = [c for c in new if c in columns]
    if clash:
        raise InputError(f"{name} has a column {clash[0]!r} already, which scoring would add: rename it first.")
