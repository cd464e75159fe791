"""The format of a table, detected by its first bytes: the name of a file is often wrong about it."""

from __future__ import annotations

import re
from pathlib import Path

from fakenews.data.lines import GZIP, first_bytes, is_wide

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".gz")
_LOOK = 4096
_PARQUET = b"PAR1"
_LFS = b"version https://git-lfs.github.com/spec/"
_ARCHIVES = {b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "Zstandard"}
_WEB_PAGE = re.compile(rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_OBJECT = re.compile(rb'\s*(?:\[\s*)?\{\s*["}]')
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


def format_of(path: Path, encoding: str = "") -> str:
    """Return the format of a table: "csv" (of any delimiter), "jsonl", "json" (an array) or "parquet".

    Raise `FileNotFoundError` if there is no such file; `ValueError` if it holds no table; the message says what it is
    instead.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise ValueError(f"Cannot read {path.name!r}: expected one of {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    head = first_bytes(path, _LOOK)
    named = path.suffix.lower()
    if head.startswith(_PARQUET):
        _check_ends(path)
        return "parquet"
    refuse_other(head, path.name, encoding)
    if _WEB_PAGE.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise ValueError(f"{path.name} is a web page (HTML), perhaps one that asks to sign in: download it again.")
    if named == ".parquet":
        raise ValueError(f"{path.name} cannot be read as parquet: it does not begin like a parquet file.")
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\x00", b"")
    if named in (".jsonl", ".ndjson", ".json") or _OBJECT.match(text):
        return "json" if text.lstrip().startswith(b"[") else "jsonl"
    return "csv"


def _check_ends(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(GZIP)) == GZIP:
            raise ValueError(f"{path.name} is a parquet file that gzip compressed: unpack it first.")
        size = file.seek(0, 2)
        file.seek(max(0, size - len(_PARQUET)))
        if size < 3 * len(_PARQUET) or file.read() != _PARQUET:
            raise ValueError(
                f"{path.name} cannot be read as parquet: it has no end, so the download was cut short; get it again."
            )


def refuse_other(head: bytes, name: str, encoding: str = "") -> None:
    """Refuse what is no text, or a text that stands for another file, by its first bytes.

    With an encoding named, what looks like a binary file may be a text in it.

    Raise `ValueError`, whose message says what `name` is.
    """
    if head.startswith(_LFS):
        raise ValueError(f"{name} is a Git LFS pointer and not the file itself: get that with git lfs pull.")
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head or b"[Content_Types].xml" in head:
            raise ValueError(f"{name} is an Office file, such as an Excel workbook: save the sheet as CSV UTF-8.")
        raise ValueError(f"{name} is a ZIP archive: unpack it first.")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise ValueError(f"{name} is an old Office file, such as an Excel workbook: save the sheet as CSV UTF-8.")
    if head.startswith(b"%PDF"):
        raise ValueError(f"{name} is a PDF file: save its text first.")
    for magic, kind in _ARCHIVES.items():
        if head.startswith(magic):
            raise ValueError(f"{name} is compressed with {kind}: unpack it first.")
    if not encoding and not is_wide(head) and len(_CONTROL.findall(head)) > len(head) // 50:
        raise ValueError(f"{name} is a binary file and no text, or in an encoding to be named with --encoding.")
