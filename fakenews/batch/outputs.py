"""Where scored rows go: files that grow piece by piece, and can be cut back to any piece after a crash."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fakenews.batch.spreadsheet import safe_cell
from fakenews.text import encodable

if TYPE_CHECKING:
    import pyarrow as pa


class Output(Protocol):
    """A file under way. Offsets are bytes, or numbers of parts; what was written up to an offset never changes."""

    def cut(self, offset: int) -> None:
        """Forget everything after an offset; 0 begins anew."""

    def append(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Add rows and return the offset after them; they are on disk when this returns."""

    def finish(self, out: Path) -> None:
        """Put the whole at `out`, at once."""

    def gone(self) -> bool:
        """Return whether nothing is left of a file under way."""

    def discard(self) -> None:
        """Remove what is under way."""


@dataclass
class Lines:
    """CSV with a header or JSON lines, appended to one file."""

    path: Path
    columns: Sequence[str]
    as_csv: bool

    def cut(self, offset: int) -> None:
        """Truncate to so many bytes; a new CSV begins with its header."""
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.truncate(offset)
            if not offset and self.as_csv:
                file.write(_csv_lines([self.columns]))
            _sync(file)

    def append(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Add lines and give the bytes there are."""
        if self.as_csv:
            content = _csv_lines([[_cell(row.get(c)) for c in self.columns] for row in rows])
        else:
            content = "".join(json.dumps(_plain(row), ensure_ascii=True) + "\n" for row in rows).encode()
        with self.path.open("ab") as file:
            file.write(content)
            _sync(file)
            return file.tell()

    def finish(self, out: Path) -> None:
        """Rename the file."""
        self.path.replace(out)

    def gone(self) -> bool:
        """Return whether the file is not there."""
        return not self.path.exists()

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


@dataclass
class Parts:
    """Parquet, in numbered parts that are put together at the end."""

    folder: Path
    schema: pa.Schema
    offset: int = 0  # parts that are there

    def cut(self, offset: int) -> None:
        """Remove all parts after the first so many."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if not path.stem.isdigit() or int(path.stem) >= offset:
                path.unlink()
        self.offset = offset

    def append(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Add a part and give how many there are."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist([_typed(row, self.schema) for row in rows], self.schema)
        with self._part(self.offset).open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            _sync(file)
        self.offset += 1
        return self.offset

    def finish(self, out: Path) -> None:
        """Write all parts into one file, a part at a time, and rename it."""
        import pyarrow.parquet as pq

        whole = self.folder / "whole"
        with pq.ParquetWriter(whole, self.schema, compression="zstd") as writer:
            for number in range(self.offset):
                writer.write_table(pq.read_table(self._part(number)))
        with whole.open("rb") as file:
            os.fsync(file.fileno())
        whole.replace(out)
        self.discard()

    def gone(self) -> bool:
        """Return whether the folder of parts is not there."""
        return not self.folder.exists()

    def discard(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06d}.parquet"


def parquet_schema(columns: Sequence[str], known: pa.Schema | None, numbers: Sequence[str]) -> pa.Schema:
    """Return the types of the columns: as `known` from the input, probabilities as float64, everything else as text."""
    import pyarrow as pa

    def kind(name: str) -> pa.DataType:
        if name in numbers:
            return pa.float64()
        return known.field(name).type if known is not None and name in known.names else pa.string()

    return pa.schema([(name, kind(name)) for name in columns])


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[safe_cell(cell) for cell in row] for row in rows])
    return encodable(out.getvalue()).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, default=str) if isinstance(value, dict | list | int | float) else str(value)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that JSON has a form for; dates and the like as text, numbers that are none as null."""
    values: dict[str, Any] = json.loads(json.dumps(dict(row), default=str), parse_constant=lambda _: None)
    return values


def _typed(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    import pyarrow as pa

    texts = {field.name for field in schema if pa.types.is_string(field.type)}
    return {
        name: encodable(_cell(value)) if name in texts and value is not None else value for name, value in row.items()
    }


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
