"""Lines of a text file, whatever program wrote it: what CSV and JSON lines are both read through."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_MARKS = {codecs.BOM_UTF8: "latin-1", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Lines:
    """Lines with their ends, one after the other and none kept.

    A file that begins with a mark of UTF-16 is read as that, any other as UTF-8 but for its lines that are not, which
    are read as Windows-1252.

    Parameters
    ----------
    path : Path
        The file.
    end : str
        What ends a line: LF, or CR alone.

    Attributes
    ----------
    number, place : int
        Lines and bytes read so far.
    """

    def __init__(self, path: Path, end: str = "\n") -> None:
        file = path.open("rb")
        head = file.read(3)
        mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
        self._encoding = _MARKS.get(mark, "latin-1")  # a byte a character: each line's own encoding is found later
        self._end = end
        self._size = path.stat().st_size
        self._text = io.TextIOWrapper(file, self._encoding)
        self.go(0, len(mark))

    def go(self, number: int, place: int) -> None:
        """Stand where so many lines and bytes have been read."""
        file = self._text.detach()
        file.seek(place)
        self._text = io.TextIOWrapper(file, self._encoding, "replace", newline=self._end)
        self.number, self.place = number, place

    def head(self, characters: int) -> str:
        """So many characters from here, for a look ahead: only what is ASCII is sure to be right."""
        text = self._text.read(characters)
        self.go(self.number, self.place)
        return text

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return min(1.0, self.place / self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.number += 1
        if self._encoding != "latin-1":
            self.place += len(line.encode(self._encoding))
            return line
        self.place += len(line)
        return line if line.isascii() else _decode(line.encode("latin-1"))


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str, float]]:
    """Every line of a JSONL file that is not empty: its number, its object or why there is none, share of the file."""
    with Lines(path) as lines:
        for line in lines:
            if not line.strip():
                continue
            found: dict[str, Any] | str
            try:
                value = json.loads(line)
                found = value if isinstance(value, dict) else f"expected a JSON object, got {type(value).__name__}"
            except json.JSONDecodeError as error:
                found = f"not JSON: {error.msg}"
            except RecursionError:
                found = "not JSON: nested too deep"
            except ValueError:
                found = f"a number of more than {sys.get_int_max_str_digits():,} digits"
            yield lines.number, found, lines.share


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
