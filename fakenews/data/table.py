"""The one table every corpus comes in: read from parquet, CSV or JSON lines, checked at the door."""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakenews.schema import FAKE, REAL, TABLE_COLUMNS, Article
from fakenews.text import join

REQUIRED = ("text", "label")
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # how a file in it begins

_LABELS = {"0": FAKE, "1": REAL, "fake": FAKE, "real": REAL}


def article_id(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-1 of `text` (UTF-8)."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:16]


def read_table(path: Path) -> pd.DataFrame:
    """Read a labelled table.

    Parameters
    ----------
    path : Path
        A .parquet, .csv or .jsonl file with the columns `text` and `label` (0 or «fake», 1 or «real»), and
        any other of `schema.TABLE_COLUMNS`.

    Returns
    -------
    DataFrame
        `schema.TABLE_COLUMNS` first (text columns of dtype str, `label` int8, missing values «», missing ids
        computed), then whatever else the file held.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read as its suffix says, holds no rows, lacks a required column or has a value
        that is not a label.
    """
    path = Path(path)
    readers = {".parquet": _read_parquet, ".csv": read_csv, ".jsonl": _read_jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"Cannot read {path.name!r}: expected one of {', '.join(readers)}.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    return as_table(reader(path), path.name)


def as_table(frame: pd.DataFrame, origin: str = "the table") -> pd.DataFrame:
    """Check and complete a frame as `read_table` promises; `origin` names it in messages."""
    columns = [str(c) for c in frame.columns]
    missing = [c for c in REQUIRED if c not in columns]
    if missing:
        raise ValueError(
            f"{origin} lacks the column {' and '.join(missing)}: it has {', '.join(columns) or 'none'}; "
            "needed are text and label (0 fake, 1 real)."
        )
    if len(set(columns)) < len(columns):
        twice = sorted({c for c in columns if columns.count(c) > 1})
        raise ValueError(f"{origin} has the column {' and '.join(twice)} more than once.")
    if not len(frame):
        raise ValueError(f"{origin} holds no rows.")
    frame = frame.set_axis(columns, axis=1).reset_index(drop=True)
    table = {c: _strings(frame, c, origin) for c in TABLE_COLUMNS if c != "label"}
    table["id"] = [given or article_id(text) for given, text in zip(table["id"], table["text"], strict=True)]
    text_columns = pd.DataFrame(table, dtype="str")
    labels = pd.Series(_labels(frame["label"], origin), dtype=np.int8, name="label")
    others = frame[[c for c in columns if c not in TABLE_COLUMNS]]
    return pd.concat([text_columns, labels, others], axis=1)[[*TABLE_COLUMNS, *others.columns]]


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` as zstd parquet; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        frame.to_parquet(partial, compression="zstd", index=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def articles(frame: pd.DataFrame) -> list[Article]:
    """Rows as values; the text a classifier is given is `text.join(article.title, article.text)`."""
    columns = ("title", "text", "label", "id", "subject", "date")
    return [
        Article(title, text, int(label), id_, subject, date)
        for title, text, label, id_, subject, date in zip(*(frame[c].tolist() for c in columns), strict=True)
    ]


def joined_texts(frame: pd.DataFrame) -> list[str]:
    """Title and body of every row as classifiers are given them, in order."""
    return [join(t, b) for t, b in zip(frame["title"].tolist(), frame["text"].tolist(), strict=True)]


def decode(raw: bytes) -> str:
    """Text of a file in UTF-8, or in UTF-16 if it begins like that; other lines are read as Windows-1252."""
    if raw.startswith(UTF16):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "\n".join(map(_decode_line, raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")))


def _decode_line(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def read_csv(path: Path) -> pd.DataFrame:
    """Every column of a CSV file as text, nothing guessed.

    Raises
    ------
    ValueError
        If the file is not a CSV file with a header.
    """
    try:
        return pd.read_csv(io.StringIO(decode(path.read_bytes())), dtype="str", keep_default_na=False)
    except ValueError as error:  # pandas' parser errors are ValueErrors
        raise ValueError(f"{path.name} cannot be read as CSV with a header: {error}") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as parquet: {error}") from error


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(decode(path.read_bytes()).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path.name}, line {number}, is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{path.name}, line {number}: expected a JSON object, got {type(row).__name__}.")
        rows.append({key: _encodable(v) if isinstance(v, str) else v for key, v in row.items()})
    return pd.DataFrame(rows)


def _strings(frame: pd.DataFrame, column: str, origin: str) -> list[str]:
    """Values of a text column; «» where it is absent or empty. Only `title` and `text` insist on strings."""
    if column not in frame:
        return [""] * len(frame)
    values = ["" if _is_missing(v) else v for v in frame[column].tolist()]
    if column in ("title", "text"):
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise ValueError(f"{origin}: {column} must be text, got {value!r:.60} in row {i}.")
    return [_encodable(str(v).removesuffix(" 00:00:00") if column == "date" else str(v)) for v in values]


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _encodable(text: str) -> str:
    """Lone surrogates, which no file format here can hold, become «?»."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _labels(values: Iterable[Any], origin: str) -> list[int]:
    labels = []
    for i, value in enumerate(values):
        # True would read as 1 and so as real; whether it meant «true news» or «is fake» nobody knows.
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        label = None if isinstance(value, bool | np.bool_) else _LABELS.get(str(whole).strip().lower())
        if label is None:
            raise ValueError(f"{origin}: label must be 0 or fake, 1 or real; got {value!r:.60} in row {i}.")
        labels.append(label)
    return labels
