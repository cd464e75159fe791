"""The one table every corpus comes in: read from parquet, CSV or JSON lines, checked at the door."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fakenews.data.delimited import Delimited, check_names, check_width
from fakenews.data.lines import json_rows
from fakenews.schema import FAKE, REAL, TABLE_COLUMNS, Article
from fakenews.text import join

REQUIRED = ("text", "label")

_LINE = "line of the file"  # name of an index that says where each row begins
_LABELS = {"0": FAKE, "1": REAL, "fake": FAKE, "real": REAL}
_Found = TypeVar("_Found")


def article_id(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-1 of `text` (UTF-8)."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:16]


def read_table(path: Path) -> pd.DataFrame:
    """Read a labelled table.

    Parameters
    ----------
    path : Path
        A .parquet, .csv or .jsonl file with the columns `text` and `label` (0 or «fake», 1 or «real»), and
        any other of `schema.TABLE_COLUMNS`, in any case.

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
        If the file cannot be read as its suffix says, to its last row, holds no rows, lacks a required column, has
        more than 1,000 columns or a value that is not a label.
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
    """Check and complete a frame as `read_table` promises; `origin` names it in messages.

    A column of ours may be written in another case or between blanks, unless it is there as it should be too.
    """
    had = [str(c) for c in frame.columns]
    columns = [name if (name := c.strip().lower()) in TABLE_COLUMNS and name not in had else c for c in had]
    missing = [c for c in REQUIRED if c not in columns]
    if missing:
        raise ValueError(
            f"{origin} lacks the column {' and '.join(missing)}: it has {', '.join(had) or 'none'}; "
            "needed are text and label (0 fake, 1 real)."
        )
    check_names(columns, origin)
    if not len(frame):
        raise ValueError(f"{origin} holds no rows.")
    frame = frame.set_axis(columns, axis=1)
    table = {c: _strings(frame, c, origin) for c in TABLE_COLUMNS if c != "label"}
    table["id"] = [given or article_id(text) for given, text in zip(table["id"], table["text"], strict=True)]
    text_columns = pd.DataFrame(table, dtype="str")
    labels = pd.Series(_labels(frame["label"], origin), dtype=np.int8, name="label")
    others = frame[[c for c in columns if c not in TABLE_COLUMNS]].reset_index(drop=True)
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


def read_csv(path: Path) -> pd.DataFrame:
    """Every column of a CSV file as text, nothing guessed; the index names the line each row begins in.

    Raises
    ------
    ValueError
        If the file is not a CSV file with a header, or one of its rows is broken.
    """
    table = Delimited(path)
    lines, rows = _whole(path, table.rows())
    return pd.DataFrame(rows, columns=list(table.columns), index=pd.Index(lines, name=_LINE), dtype="str")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    check_width(_parquet(path, pq.read_schema).names, path.name)
    return _parquet(path, pd.read_parquet)


def _parquet(path: Path, read: Callable[[Path], _Found]) -> _Found:
    try:
        return read(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as parquet: {error}") from error


def _read_jsonl(path: Path) -> pd.DataFrame:
    lines, rows = _whole(path, json_rows(path))
    check_width({key for row in rows for key in row}, path.name)
    clean = [{key: _encodable(v) if isinstance(v, str) else v for key, v in row.items()} for row in rows]
    return pd.DataFrame(clean, index=pd.Index(lines, name=_LINE))


def _whole(path: Path, rows: Iterable[tuple[int, _Found | str, float]]) -> tuple[list[int], list[_Found]]:
    """Lines and rows of a file of which none may be broken."""
    lines, found = [], []
    for line, row, _ in rows:
        if isinstance(row, str):
            raise ValueError(f"{path.name}, line {line}: {row}.")
        lines.append(line)
        found.append(row)
    return lines, found


def _strings(frame: pd.DataFrame, column: str, origin: str) -> list[str]:
    """Values of a text column; «» where it is absent or empty. Only `title` and `text` insist on strings."""
    if column not in frame:
        return [""] * len(frame)
    values = ["" if _is_missing(v) else v for v in frame[column].tolist()]
    if column in ("title", "text"):
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise ValueError(f"{origin}: {column} must be text, got {value!r:.60} in {_place(frame.index, i)}.")
    return [_encodable(str(v).removesuffix(" 00:00:00") if column == "date" else str(v)) for v in values]


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _encodable(text: str) -> str:
    """Lone surrogates, which no file format here can hold, become «?»."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _labels(values: pd.Series, origin: str) -> list[int]:
    labels = []
    for i, value in enumerate(values):
        # True would read as 1 and so as real; whether it meant «true news» or «is fake» nobody knows.
        label = None if isinstance(value, bool | np.bool_) else _LABELS.get(_whole_number(str(value).strip().lower()))
        if label is None:
            raise ValueError(
                f"{origin}: label must be 0 or fake, 1 or real; got {value!r:.60} in {_place(values.index, i)}."
            )
        labels.append(label)
    return labels


def _whole_number(text: str) -> str:
    """«1» for «1.0», as spreadsheets write it; what is no whole number stays."""
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def _place(index: pd.Index, i: int) -> str:
    return f"line {index[i]}" if index.name == _LINE else f"row {i + 1}"
