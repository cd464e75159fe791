"""Parts of a corpus that may fare differently: by length, dateline, subject, month and sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fakenews.text import RULES, count_words

if TYPE_CHECKING:
    import pandas as pd

_LENGTHS = (100, 250, 500, 1000)  # words; from here on the next slice begins
_DATELINE = next(rule.pattern for rule in RULES if rule.name == "dateline")
_START = 300  # characters in which a dateline is looked for
UNKNOWN = "unknown"

SLICES = {"length": "Length", "dateline": "Dateline", "subject": "Subject", "month": "Month"}


def slice_of(frame: pd.DataFrame, by: str) -> pd.Series:
    """Name of the slice every row belongs to.

    Raise `ValueError` if `by` is none.

    Parameters
    ----------
    frame : DataFrame
        With `text`, and `subject` or `date` where these are asked for, as `table.read_table` gives it.
    by : str
        Key of `SLICES`.
    """
    if by == "length":
        words = frame["text"].map(count_words)
        return words.map(lambda n: length_slice(int(n)))
    if by == "dateline":
        return frame["text"].map(lambda t: "with a dateline" if _DATELINE.search(t[:_START]) else "without a dateline")
    if by == "subject":
        return frame["subject"].where(frame["subject"] != "", UNKNOWN)
    if by == "month":
        months = frame["date"].str.extract(r"^(\d{4}-\d{2})", expand=False)
        return months.fillna(UNKNOWN)
    raise ValueError(f"Unknown slice {by!r}. Known: {', '.join(SLICES)}.")


def length_slice(n_words: int) -> str:
    """Slice of a text of so many words."""
    i = int(np.searchsorted(_LENGTHS, n_words, side="right"))
    if i == 0:
        return f"under {_LENGTHS[0]} words"
    if i == len(_LENGTHS):
        return f"{_LENGTHS[-1]:,} words and more"
    return f"{_LENGTHS[i - 1]} to {_LENGTHS[i] - 1} words"


def slice_names(by: str, values: pd.Series) -> list[str]:
    """Return the slices that occur, in reading order: lengths rising, months in time, others by size."""
    present = values.value_counts()
    if by == "length":
        order = [length_slice(n) for n in (0, *_LENGTHS)]
        return [name for name in order if name in present]
    if by == "month":
        return sorted(present.index, key=lambda m: (m == UNKNOWN, m))
    return [str(name) for name in present.index]
