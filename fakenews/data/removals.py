"""Rows that may be left out of a corpus, where that takes more than a pattern of their subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fakenews.schema import FAKE

if TYPE_CHECKING:
    import pandas as pd

MAX_PER_PUBLISHER = 60  # rows of each class
FEW = 1100  # articles: more of one class would make mainstream outlets the shortcut

Keep = Callable[["pd.DataFrame"], "pd.Series"]


def matched(frame: pd.DataFrame) -> pd.Series:
    """Keep as many fake as real rows of every publisher, at most 60 of each: those with the lowest ids.

    The per-publisher counts are those of the published list of matched ids (1,216 + 1,216 rows, 212 publishers);
    that list drew its rows at random.
    """
    fake = (frame["label"] == FAKE).groupby(frame["subject"])
    smaller_class = fake.sum().combine(fake.size() - fake.sum(), min).clip(upper=MAX_PER_PUBLISHER)
    rank = frame.sort_values("id").groupby(["subject", "label"]).cumcount()
    return rank.reindex(frame.index) < frame["subject"].map(smaller_class)


def few(frame: pd.DataFrame) -> pd.Series:
    """Keep the rows with the lowest ids."""
    return frame["id"].rank() <= FEW


def without_subject(pattern: str) -> Keep:
    """Return what keeps the rows whose subject does not match a regular expression as a whole."""

    def keep(frame: pd.DataFrame) -> pd.Series:
        return ~frame["subject"].str.fullmatch(pattern)

    return keep


KEEP: dict[str, Keep] = {"matched": matched, "few": few}
