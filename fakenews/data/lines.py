"""Lines of a text file, whatever program wrote it: what CSV and JSON lines are both read through."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

GZIP = b"\x1f\x8b"
NOT_TEXT = (
    "neither UTF-8 nor Windows-1252: save the file as UTF-8, or name its encoding with --encoding, such as cp1251"
)
_LOOK = 4096  # bytes that tell an encoding
_BYTEWISE = "latin-1"  # a byte a character: each line's own encoding is found later
# Marks at the beginning of a file; those of UTF-32 begin like those of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: _BYTEWISE,
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LETTERS, _CAPITALS = "À-ÖØ-öø-ÿŠšŽžŒœŸ", "À-ÖØ-ÞŠŽŒŸ"
# What other encodings look like where they are taken for Windows-1252: three accented letters in a row, or a word of
# nothing else (Cyrillic, Greek), a capital behind a small letter or a stop (Mac OS Roman, UTF-8 with a broken byte),
# a sign within a word (Central European), half of a pair that UTF-16 needs (UTF-8 of broken programs).
_NOT_WESTERN = re.compile(
    rf"[{_LETTERS}]{{3}}|(?<!\w)[{_LETTERS}]{{2}}(?!\w)|(?<=[a-z])[{_CAPITALS}]|(?<=[.,!?])[{_CAPITALS}](?!\w)"
    r"|í[\xa0-¿][^\s\w.,!?]|(?<=[^\W\d_])[¡¢£¤¥¦§¨¬¯±²³¶¸¹¼½¾¿×÷€ƒˆ‰˜](?=[^\W\d_])"
)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; what gzip compressed is unpacked into a temporary file without a name.

    Raise `ValueError` if it is compressed and damaged or cut short.
    """
    file = path.open("rb")
    head = file.read(len(GZIP))
    file.seek(0)
    if head != GZIP:
        return file
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        with file, gzip.GzipFile(fileobj=file) as packed:
            shutil.copyfileobj(packed, unpacked)
    except (EOFError, OSError, zlib.error):
        unpacked.close()
        raise _damaged(path) from None
    unpacked.seek(0)
    return unpacked


def first_bytes(path: Path, n: int) -> bytes:
    """Read the first bytes of a file, unpacked where gzip compressed it.

    Raise `ValueError` if it is compressed and damaged.
    """
    with path.open("rb") as file:
        head = file.read(n)
        if not head.startswith(GZIP):
            return head
        file.seek(0)
        try:
            with gzip.GzipFile(fileobj=file) as packed:
                return packed.read(n)
        except (EOFError, OSError, zlib.error):
            raise _damaged(path) from None


def is_wide(head: bytes) -> bool:
    """Return whether a file is UTF-16 or UTF-32 by its first bytes."""
    return _detect(head, "")[0] != _BYTEWISE


def check_encoding(name: str) -> str:
    """Return the name of an encoding of text as Python spells it; "" stays, for one that is to be detected.

    Raise `ValueError` if there is none.
    """
    try:
        "".encode(name or "utf-8")
        return codecs.lookup(name).name if name else ""
    except (LookupError, ValueError, UnicodeError):
        raise ValueError(f"Unknown encoding {name!r}: name one that Python knows, such as cp1251 or utf-16.") from None


def decode_text(raw: bytes, name: str, encoding: str = "") -> str:
    """Decode a text as `Lines` does a table; `name` is the file's.

    Raise `ValueError` if it is not in the named encoding, or none was named and it is in none that is detected.
    """
    known = check_encoding(encoding)
    detected, start = _detect(raw[:_LOOK], known)
    raw = raw[start:]
    if detected == _BYTEWISE:
        text, problem = _decode(raw, known)
        if problem:
            raise ValueError(f"{name} is {problem}.")
        return text
    try:
        return raw.decode(detected)
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not {detected.upper()}, as its beginning says: get it again.") from None


class Lines:
    """Lines with their ends, one after the other and none kept.

    A file with the byte order mark of UTF-16 or UTF-32, or the zero bytes of UTF-16, is read as that. Any other is
    read as UTF-8 but for its lines that are not: these are read as Windows-1252 if they make sense as such.

    Parameters
    ----------
    path : Path
        The file, compressed with gzip or not.
    end : str
        What ends a line: LF, or CR alone.
    encoding : str
        The only encoding to read it in, if it is known.

    Attributes
    ----------
    number, offset : int
        Lines and bytes read so far.
    problem : str
        Why a line read since `problem` was last emptied cannot be decoded; "" where all can.
    """

    def __init__(self, path: Path, end: str = "\n", encoding: str = "") -> None:
        self._known = check_encoding(encoding)
        file = open_bytes(path)
        self._encoding, start = _detect(file.read(_LOOK), self._known)
        self._end = end
        self._size = file.seek(0, io.SEEK_END)
        self._text = io.TextIOWrapper(file, self._encoding)
        self.problem = ""
        self.go(0, start)

    def go(self, number: int, offset: int) -> None:
        """Stand where so many lines and bytes have been read."""
        file = self._text.detach()
        file.seek(offset)
        self._text = io.TextIOWrapper(file, self._encoding, "replace", newline=self._end)
        self.number, self.offset = number, offset

    def head(self, characters: int) -> str:
        """Return so many characters from here, for a look ahead: only what is ASCII is sure to be right."""
        text = self._text.read(characters)
        self.go(self.number, self.offset)
        return text

    @property
    def share(self) -> float:
        """Return how much of the file has been read."""
        return min(1.0, self.offset / self._size)

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
        if self._encoding != _BYTEWISE:
            self.offset += len(line.encode(self._encoding))
            return line
        self.offset += len(line)
        if line.isascii() and not self._known:
            return line
        line, problem = _decode(line.encode("latin-1"), self._known)
        self.problem = self.problem or problem
        return line


def json_rows(path: Path, encoding: str = "") -> Iterator[tuple[int, dict[str, Any] | str, float]]:
    """Yield every line of a JSONL file that is not empty: number, object or why there is none, share of the file."""
    with Lines(path, encoding=encoding) as lines:
        for line in lines:
            if not line.strip():
                continue
            value: dict[str, Any] | str
            try:
                value = _object(json.loads(line))
            except json.JSONDecodeError as error:
                value = f"not JSON: {error.msg}"
            except (RecursionError, ValueError) as error:
                value = _json_problem(error)
            if lines.problem:
                value, lines.problem = lines.problem, ""
            yield lines.number, value, lines.share


def array_rows(path: Path, encoding: str = "") -> Iterator[tuple[int, dict[str, Any] | str, float]]:
    """Yield every element of a JSON array: position from 1, object or why there is none, share of the array.

    Raise `ValueError` if the file is no JSON array to its end.
    """
    with open_bytes(path) as file:
        text = decode_text(file.read(), path.name, encoding)
    try:
        elements = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path.name} begins like a JSON array and is none: {error.msg} in line {error.lineno}; was it cut short?"
        ) from None
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be read: {_json_problem(error)}.") from None
    for number, element in enumerate(elements, start=1):
        yield number, _object(element), number / len(elements)


def _damaged(path: Path) -> ValueError:
    return ValueError(f"{path.name} is compressed with gzip and damaged or cut short: get it again.")


def _object(value: Any) -> dict[str, Any] | str:
    return value if isinstance(value, dict) else f"expected a JSON object, got {type(value).__name__}"


def _json_problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "not JSON: nested too deep"
    return f"a number of more than {sys.get_int_max_str_digits():,} digits"


def _detect(head: bytes, known: str) -> tuple[str, int]:
    """Return the encoding by the first bytes of a file, and how many of these are a byte order mark."""
    byte_order_mark, encoding = next(((m, e) for m, e in _MARKS.items() if head.startswith(m)), (b"", ""))
    start = 0
    while byte_order_mark and head.startswith(byte_order_mark, start):
        start += len(byte_order_mark)
    if known and not encoding:
        if known.startswith(("utf-16", "utf-32")):
            return known if known.endswith("e") else f"{known}-le", 0
        return _BYTEWISE, 0
    return encoding or _zeros(head), start


def _zeros(head: bytes) -> str:
    """Detect UTF-16 by the zero bytes of its Latin letters, at every second byte."""
    pairs = len(head) // 2
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if odd > 0.4 * pairs and even < 0.1 * pairs:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * pairs and odd < 0.1 * pairs else _BYTEWISE


def _decode(raw: bytes, known: str) -> tuple[str, str]:
    """Decode a line or a file, and return why it may be wrong, or ""."""
    try:
        return raw.decode(known or "utf-8"), ""
    except UnicodeDecodeError:
        if known:
            return raw.decode(known, "replace"), f"not in the encoding {known}"
    text = raw.decode("cp1252", "replace")
    return text, NOT_TEXT if "\ufffd" in text or _NOT_WESTERN.search(text) else ""
