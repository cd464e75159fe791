"""The one table every corpus comes in: read from parquet, CSV or JSON lines, checked at the door."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fakenews.data.delimited import Delimited, check_names, check_width, find_column, listed_names
from fakenews.data.formats import format_of
from fakenews.data.lines import array_rows, json_rows
from fakenews.schema import FAKE, LABELS, REAL, TABLE_COLUMNS, Article
from fakenews.text import join

REQUIRED = ("text", "label")

_LINE = "line of the file"  # name of an index that says where each row begins
_LABELS = {"0": FAKE, "1": REAL, "fake": FAKE, "real": REAL, "false": FAKE, "true": REAL}
_Found = TypeVar("_Found")


def article_id(text: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-1 of `text` (UTF-8)."""
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class LabeledTable:
    """A labeled table as it was read."""

    frame: pd.DataFrame  # of the articles, as `read_table` gives them
    # n_rows, n_without_text, n_title_only: rows of the file; those without text, which are left out; those among these
    # that have a title
    n_rows: int
    n_without_text: int
    n_title_only: int
    labels: Mapping[str, str]  # of each value of the label, as the file spells it, which of `LABELS` it was read as

    def notes(self) -> list[str]:
        """Return sentences on how the labels were read, and on the rows that were left out."""
        values = {name: " and ".join(v for v, label in self.labels.items() if label == name) for name in LABELS}
        notes = [f"Label {' and '.join(f'{v} is read as {name}' for name, v in values.items() if v)}."]
        if self.n_without_text:
            have = "has no text and is" if self.n_without_text == 1 else "have no text and are"
            alone = f" ({self.n_title_only:,} with a title alone)" if self.n_title_only else ""
            notes.append(f"{self.n_without_text:,} of {self.n_rows:,} rows {have} left out{alone}.")
        return notes

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of all but the articles."""
        return {"rows": self.n_rows, "rows_without_text": self.n_without_text, "labels": dict(self.labels)}


def read_table(path: Path, encoding: str = "", fake: str = "") -> pd.DataFrame:
    """Read the articles of a labeled table (`read_labeled`).

    Returns
    -------
    DataFrame
        `schema.TABLE_COLUMNS` first (text columns of dtype str, `label` int8, missing values "", missing ids
        computed), then whatever else the file held.
    """
    return read_labeled(path, encoding, fake).frame


def read_labeled(path: Path, encoding: str = "", fake: str = "") -> LabeledTable:
    """Read a labeled table.

    Raise `FileNotFoundError` if there is no such file; `ValueError` if the file cannot be read to its last row, holds
    no rows with text, lacks a required column, has more than 1,000 columns, two columns of which one is wanted, or a
    value that is not a label.

    Parameters
    ----------
    path : Path
        A table of any format that `formats.format_of` knows, with the columns `text` and `label`, and any other of
        `schema.TABLE_COLUMNS`, in any case.
    encoding : str
        Of its text, if that is known.
    fake : str
        The value of `label` that means fake, where there are two; 0, "fake" or "false" if left out, against 1, "real"
        or "true".
    """
    path = Path(path)
    return labeled(raw_table(path, encoding), path.name, fake)


def raw_table(path: Path, encoding: str = "") -> pd.DataFrame:
    """Read a table of any format as it is, every column of it; errors are those of `read_labeled`."""
    readers = {"csv": read_csv, "jsonl": _read_json, "json": _read_json, "parquet": _read_parquet}
    return readers[format_of(path, encoding)](path, encoding)


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns; of JSON, the keys of its first object.

    Raise `FileNotFoundError` or `ValueError` as `read_labeled`, as far as the beginning of the file tells.
    """
    import pyarrow.parquet as pq

    format_ = format_of(path)
    if format_ == "parquet":
        return tuple(_parquet(path, pq.read_schema).names)
    if format_ == "csv":
        return Delimited(path).columns
    rows = (array_rows if format_ == "json" else json_rows)(path)
    return next((tuple(row) for _, row, _ in rows if isinstance(row, dict)), ())


def as_table(frame: pd.DataFrame, origin: str = "the table") -> pd.DataFrame:
    """Check and complete a frame as `read_table` promises; `origin` names it in messages."""
    return labeled(frame, origin).frame


def labeled(frame: pd.DataFrame, origin: str, fake: str = "") -> LabeledTable:
    """Check and complete a frame as `read_labeled` promises; `origin` names it in messages.

    A column of ours may be written in another case or between blanks. An id that stands for several articles names
    none: each of these gets one of its own, by which it is known everywhere.
    """
    had = [str(c) for c in frame.columns]
    check_names(had, origin)
    ours = {name: find_column(had, name, origin) for name in ("title", *REQUIRED)}
    missing = [c for c in REQUIRED if not ours[c]]
    if missing:
        raise ValueError(
            f"{origin} lacks the column {' and '.join(missing)}: it has {listed_names(had) or 'none'}; "
            "needed are text and label, named in the first line of a CSV file."
        )
    spelled = {column: name for name, column in ours.items() if column}
    for column in had:
        name = column.strip().lower()
        if name in TABLE_COLUMNS and name not in (*had, *spelled.values()):
            spelled[column] = name
    columns = [spelled.get(c, c) for c in had]
    if not len(frame):
        raise ValueError(f"{origin} holds no rows.")
    frame = frame.set_axis(columns, axis=1)
    if frame.index.name != _LINE:
        frame = frame.reset_index(drop=True)
    n_rows = len(frame)
    worded = [bool(text.strip()) for text in _strings(frame, "text", origin)]
    titled = [bool(title.strip()) for title in _strings(frame, "title", origin)]
    n_title_only = sum(has_title and not has_text for has_title, has_text in zip(titled, worded, strict=True))
    if not any(worded):
        alone = f", with a title alone: {n_title_only:,}" if n_title_only else ""
        raise ValueError(f"{origin}: no row has a text in the column {ours['text']} (rows: {n_rows:,}{alone}).")
    if not all(worded):
        frame = frame[worded]
    table = {c: _strings(frame, c, origin) for c in TABLE_COLUMNS if c != "label"}
    table["id"] = _ids(table["id"], table["title"], table["text"])
    labels, meaning = read_labels(frame["label"], origin, fake)
    text_columns = pd.DataFrame(table, dtype="str")
    others = frame[[c for c in columns if c not in TABLE_COLUMNS]].reset_index(drop=True)
    articles = pd.concat([text_columns, pd.Series(labels, dtype=np.int8, name="label"), others], axis=1)
    articles = articles[[*TABLE_COLUMNS, *others.columns]]
    return LabeledTable(articles, n_rows, n_rows - len(articles), n_title_only, meaning)


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
    """Return the rows as values; classifiers are given `text.join(article.title, article.text)`."""
    columns = ("title", "text", "label", "id", "subject", "date")
    return [
        Article(title, text, int(label), id_, subject, date)
        for title, text, label, id_, subject, date in zip(*(frame[c].tolist() for c in columns), strict=True)
    ]


def joined_texts(frame: pd.DataFrame) -> list[str]:
    """Return the title and body of every row as classifiers are given them, in order."""
    return [join(t, b) for t, b in zip(frame["title"].tolist(), frame["text"].tolist(), strict=True)]


def read_csv(path: Path, encoding: str = "") -> pd.DataFrame:
    """Return every column of a CSV file as text; the index names the line each row begins in.

    Raise `ValueError` if the file is not a CSV file with a header, or one of its rows is broken.
    """
    table = Delimited(path, encoding)
    lines, rows = _whole(path, table.rows())
    return pd.DataFrame(rows, columns=list(table.columns), index=pd.Index(lines, name=_LINE), dtype="str")


def _read_parquet(path: Path, _: str) -> pd.DataFrame:
    import pyarrow.parquet as pq

    check_width(_parquet(path, pq.read_schema).names, path.name)
    return _parquet(path, pd.read_parquet)


def _parquet(path: Path, read: Callable[[Path], _Found]) -> _Found:
    try:
        return read(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as parquet: {error}") from error


def _read_json(path: Path, encoding: str) -> pd.DataFrame:
    is_array = format_of(path, encoding) == "json"
    numbers, rows = _whole(path, (array_rows if is_array else json_rows)(path, encoding), "row" if is_array else "line")
    check_width({key for row in rows for key in row}, path.name)
    clean = [{key: _encodable(v) if isinstance(v, str) else v for key, v in row.items()} for row in rows]
    return pd.DataFrame(clean, index=None if is_array else pd.Index(numbers, name=_LINE))


def _whole(
    path: Path, rows: Iterable[tuple[int, _Found | str, float]], unit: str = "line"
) -> tuple[list[int], list[_Found]]:
    """Return lines and rows of a file of which none may be broken."""
    lines, whole_rows = [], []
    for line, row, _ in rows:
        if isinstance(row, str):
            raise ValueError(f"{path.name}, {unit} {line}: {row}.")
        lines.append(line)
        whole_rows.append(row)
    return lines, whole_rows


def _strings(frame: pd.DataFrame, column: str, origin: str) -> list[str]:
    """Return a text column, "" where it is absent or empty. Only `title` and `text` insist on strings."""
    if column not in frame:
        return [""] * len(frame)
    values = ["" if is_missing(v) else v for v in frame[column].tolist()]
    if column in ("title", "text"):
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise ValueError(f"{origin}: {column} must be text, got {value!r:.60} in {_place(frame.index, i)}.")
    return [_encodable(str(v).removesuffix(" 00:00:00") if column == "date" else str(v)) for v in values]


def is_missing(value: Any) -> bool:
    """Return whether a cell holds nothing."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no file format here can hold, by "?"."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _ids(own_ids: list[str], titles: list[str], texts: list[str]) -> list[str]:
    """Return ids of articles: those given, else of the text, of title and text where one names several."""
    ids = [id_ or article_id(text) for id_, text in zip(own_ids, texts, strict=True)]
    named: dict[str, set[tuple[str, str]]] = {}
    for id_, *article in zip(ids, titles, texts, strict=True):
        named.setdefault(id_, set()).add((article[0], article[1]))
    return [
        id_ if len(named[id_]) == 1 else article_id(join(title, text))
        for id_, title, text in zip(ids, titles, texts, strict=True)
    ]


def read_labels(values: pd.Series, origin: str, fake: str) -> tuple[list[int], dict[str, str]]:
    """Return the labels of articles, and how each value was read."""
    spelled = ["" if is_missing(v) else whole_number(str(v).strip()) for v in values]
    known = _LABELS if not fake else _labels_with(fake, {value.lower() for value in spelled}, origin)
    for i, value in enumerate(spelled):
        if value.lower() not in known:
            raise ValueError(
                f"{origin}: label must be 0, fake or false, or 1, real or true; got {values.tolist()[i]!r:.60} in "
                f"{_place(values.index, i)}; if there are two other values, name the one for fake with --fake."
            )
    labels = [known[value.lower()] for value in spelled]
    return labels, {value: LABELS[known[value.lower()]] for value in sorted(set(spelled))}


def _labels_with(fake: str, values: set[str], origin: str) -> dict[str, int]:
    """Return labels by value, where one of two values was said to mean fake."""
    fake = whole_number(fake.strip().lower())
    others = values - {fake, ""}
    if len(others) > 1 or (fake not in values and not others <= set(_LABELS)):
        raise ValueError(
            f"{origin}: {fake!r} cannot stand for fake against one other label; the labels are "
            f"{listed_names(sorted(values))}."
        )
    return {fake: FAKE, **dict.fromkeys(others, REAL)}


def whole_number(text: str) -> str:
    """Return "1" for "1.0", as spreadsheets write it; what is no whole number stays."""
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def _place(index: pd.Index, i: int) -> str:
    return f"line {index[i]}" if index.name == _LINE else f"row {i + 1}"
