"""Which articles of a table go into a review set, and what becomes of them there; pure but for asking the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.data import registry
from fakenews.engine.errors import InputError
from fakenews.metrics.evaluation import predict_labels
from fakenews.review_sets.preparing import CorpusTexts
from fakenews.review_sets.values import MAX_ARTICLES, Label, NewItem
from fakenews.schema import FAKE, REAL
from fakenews.text import page_text

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.engine import Engine

WAYS = ("selected", "errors", "random", "labels", "cells")
SEED = 42
# Groups of equal size, as they are named in a sentence.
_CLASSES = {FAKE: "fake", REAL: "real"}
_CELLS = {
    (FAKE, FAKE): "fake taken for fake",
    (FAKE, REAL): "fake taken for real",
    (REAL, FAKE): "real taken for fake",
    (REAL, REAL): "real taken for real",
}


_NONE = "No article is like this: there is nothing to make a set of."


class Chosen(NamedTuple):
    """Rows of a table in its order, and a sentence where they are not as many as were asked for."""

    frame: pd.DataFrame
    sentence: str


def choose(
    frame: pd.DataFrame, by: str, n: int | None = None, seed: int | None = SEED, *, ids: Sequence[str] = ()
) -> Chosen:
    """Return articles of a table, each text once; the same ones for the same seed.

    Raise `InputError` if there is no such way or no such number of articles, something about the articles has to be
    known for it and is not, or none is left.

    Parameters
    ----------
    frame : DataFrame
        id, title, text; where they are known label, and predicted (index into `LABELS`) or p_fake of a model.
    by : str
        One of `WAYS`: the articles of `ids`, the misclassified ones, any, as many of each class, or as many of each
        cell of the confusion matrix. A class or cell that has too few gives all it has.
    n : int, optional
        How many at most; all that fit into a set if left out. Those of `ids` are all taken.
    """
    if by not in WAYS:
        raise InputError(f"Articles can be chosen by {', '.join(WAYS)}; got {by!r}.")
    if by != "selected" and n is not None and not 1 <= n <= MAX_ARTICLES:
        raise InputError(f"Give a number of articles from 1 to {MAX_ARTICLES}.")
    if by != "selected" and (seed is None or seed < 0):
        raise InputError("Give a seed: a whole number from 0 on.")
    frame = _each_text_once(frame)
    if by == "selected":
        return _selected(frame, ids)
    rng = np.random.default_rng(seed)
    if by in ("labels", "cells"):
        return _balanced(frame, _by_cell(frame) if by == "cells" else _by_class(frame), rng, n or MAX_ARTICLES)
    members = np.flatnonzero(_predicted(frame) != _labels(frame)) if by == "errors" else np.arange(len(frame))
    found = _drawn(rng, members, n or MAX_ARTICLES)
    return Chosen(frame.iloc[found], _count(len(members), n, seed, "misclassified" if by == "errors" else "there"))


def new_items(
    engine: Engine, frame: pd.DataFrame, corpus: str = "", keep_text: bool | None = None
) -> tuple[tuple[NewItem, ...], str]:
    """Return articles as they go into a set, and a sentence on those that cannot be analyzed and are left out.

    Raise `InputError` if the texts of the corpus may not be stored with the set, or cannot be found again though they
    have to be, or none of the articles can be analyzed.

    Parameters
    ----------
    frame : DataFrame
        id, title, text; label where it is known.
    corpus : str
        The one they are of; empty for a table that no set can find again.
    keep_text : bool, optional
        Whether their texts are stored with the set; if left out, where the license of the corpus lets them.
    """
    may_be_kept = registry.may_be_copied(corpus)
    if keep_text is None:
        keep_text = may_be_kept
    if keep_text and not may_be_kept:
        raise InputError(
            f"The license of {registry.title_of(corpus)} is not known to allow copies of its texts: store ids only."
        )
    find = CorpusTexts(engine)
    items, left_out, most = [], 0, engine.settings.max_chars
    for id_, title, text, label in _rows(frame):
        try:
            engine.judge.check(title, text)
        except InputError:
            left_out += 1
            continue
        item = NewItem(page_text(title, text), label, corpus, id_ if corpus else "", keep_text)
        if not keep_text and find(corpus, id_) != item.text:
            raise InputError(
                f"This server cannot find the articles of {registry.title_of(corpus) or 'this table'} again by their "
                "ids: store their texts with the set."
            )
        items.append(item)
    if not items:
        raise InputError(
            f"None of them can be analyzed: they have no words, or more than {most:,} characters."
            if left_out
            else _NONE
        )
    are = "article is left out, which has" if left_out == 1 else "articles are left out, which have"
    sentence = f"{left_out:,} {are} no words or more than {most:,} characters." if left_out else ""
    return tuple(items), sentence


def _rows(frame: pd.DataFrame) -> Iterator[tuple[str, str, str, Label | None]]:
    labels: list[Label | None] = [None] * len(frame)
    if "label" in frame:
        labels = ["fake" if label == FAKE else "real" for label in frame["label"]]
    columns = (frame[name].astype(str) for name in ("id", "title", "text"))
    return zip(*columns, labels, strict=True)


def _each_text_once(frame: pd.DataFrame) -> pd.DataFrame:
    first = {page_text(title, text): i for i, (_, title, text, _) in reversed([*enumerate(_rows(frame))])}
    return frame.iloc[sorted(first.values())].reset_index(drop=True)


def _selected(frame: pd.DataFrame, ids: Sequence[str]) -> Chosen:
    wanted = set(ids)
    if len(wanted) > MAX_ARTICLES:
        raise InputError(f"A set holds up to {MAX_ARTICLES} articles; {len(wanted):,} are picked.")
    found = frame[frame["id"].astype(str).isin(wanted)]
    if not len(found):
        raise InputError("Pick articles for the set first.")
    missing = len(wanted) - len(found)
    twice = f"{missing:,} of the {len(wanted):,} articles picked are not here, or have the same text as another one."
    return Chosen(found, twice if missing else "")


def _labels(frame: pd.DataFrame) -> NDArray[np.int64]:
    if "label" not in frame:
        raise InputError("The articles have no labels, so they can only be chosen at random or one by one.")
    return np.asarray(frame["label"], dtype=np.int64)


def _predicted(frame: pd.DataFrame) -> NDArray[np.int64]:
    if "predicted" in frame:
        return np.asarray(frame["predicted"], dtype=np.int64)
    if "p_fake" not in frame:
        raise InputError("Name a model: which articles are misclassified depends on it.")
    return predict_labels(frame["p_fake"])


def _by_class(frame: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    labels = _labels(frame)
    return {name: np.flatnonzero(labels == label) for label, name in _CLASSES.items()}


def _by_cell(frame: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    labels, predicted = _labels(frame), _predicted(frame)
    return {name: np.flatnonzero((labels == y) & (predicted == p)) for (y, p), name in _CELLS.items()}


def _balanced(frame: pd.DataFrame, groups: dict[str, NDArray[np.int64]], rng: np.random.Generator, n: int) -> Chosen:
    """Draw as many of each group; the first ones give one more where they do not add up, a small one all it has."""
    found, short = [], []
    for i, (name, members) in enumerate(groups.items()):
        share = n // len(groups) + (i < n % len(groups))
        found.append(_drawn(rng, members, share))
        if len(members) < share:
            short.append(f"{len(members):,} {name}")
    rows = frame.iloc[np.sort(np.concatenate(found))]
    if not len(rows):
        raise InputError(_NONE)
    sentence = ""
    if short:
        listed = ", ".join(short)
        sentence = f"Too few for equal parts: {listed}. The set has {len(rows):,} of {n:,} articles asked for."
    return Chosen(rows, sentence)


def _drawn(rng: np.random.Generator, members: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return so many of some positions, in their order."""
    drawn: NDArray[np.int64] = np.sort(rng.permutation(members)[:n])
    return drawn


def _count(found: int, wanted: int | None, seed: int | None, what: str) -> str:
    """Return a sentence where other articles are taken than somebody might think."""
    if not found:
        raise InputError(f"No article is {what}: there is nothing to make a set of.")
    if wanted is None and found > MAX_ARTICLES:
        return f"{found:,} articles are {what}; {MAX_ARTICLES} of them were drawn at random, with the seed {seed}."
    if wanted is None or found >= wanted:
        return ""
    return (
        f"Only 1 article is {what}; it is taken."
        if found == 1
        else (f"Only {found:,} articles are {what}; all of them are taken.")
    )
