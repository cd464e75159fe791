"""The same article twice: repeats inside one table, and articles two tables share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TITLE_WORDS = 5  # shorter titles ("Live updates") repeat without being the same article

_OTHER = re.compile(r"[\W_]+")


def normalized(text: str) -> str:
    """Lower case, every run of characters other than letters and digits one space."""
    return _OTHER.sub(" ", text.lower()).strip()


def drop_repeats(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep each normalized text once, the first of its kind; drop texts that carry both labels and empty ones."""
    keys = frame["text"].map(normalized)
    conflict = frame["label"].groupby(keys).transform("nunique") > 1
    return frame[~conflict & ~keys.duplicated() & (keys != "")].reset_index(drop=True)


def drop_overlap(frame: pd.DataFrame, reference: pd.DataFrame, chars: int = 150) -> pd.DataFrame:
    """Return the rows of `frame` that are not in `reference`.

    A row is taken to be in both when the first `chars` characters of its normalized text are those of a
    reference text, or when its title, of five words or more, is that of a reference article.
    """

    def heads(table: pd.DataFrame) -> pd.Series:
        return table["text"].map(lambda text: normalized(text)[:chars])

    def titles(table: pd.DataFrame) -> pd.Series:
        keys = table["title"].map(normalized)
        return keys.where(keys.str.count(" ") >= TITLE_WORDS - 1, "")

    known_heads, known_titles = set(heads(reference)) - {""}, set(titles(reference)) - {""}
    shared = heads(frame).isin(known_heads) | titles(frame).isin(known_titles)
    return frame[~shared].reset_index(drop=True)
