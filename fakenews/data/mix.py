"""Several corpora as one training table: no article twice, every corpus split on its own, one of them left out at will.

ISOT alone teaches how one agency writes. What transfers is what several corpora agree on, so each of them, and each
class in it, is given a say that does not grow with its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.data.duplicates import near_duplicate_groups
from fakenews.data.exact import drop_overlap
from fakenews.data.splits import SPLITS, grouped_split

if TYPE_CHECKING:
    import pandas as pd

CORPUS, GROUP = "corpus", "group"
POWER = 0.75  # 0 counts every article alike, 1 every class of every corpus; measured on corpora left out


def with_split(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its own split, or with a grouped stratified 70/15/15 one and its groups where it has none.

    Raises
    ------
    ValueError
        If it has too few different articles to share out.
    """
    if set(SPLITS) <= set(frame["split"]):
        return frame
    groups = near_duplicate_groups(frame["text"].tolist())
    return frame.assign(split=grouped_split(frame["label"].tolist(), groups), group=groups)


def mix(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables as one, with the column corpus; an article that stands in several is kept in the first.

    Only the first keeps a test part. The others are small, and what they are worth is measured by leaving each of them
    out whole, so their test rows are learnt from too; a validation part remains to be looked at.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of `table.read_table`, by name of the corpus, with their splits (`with_split`): a corpus has the same parts
        alone and among others.
    """
    import pandas as pd

    kept: list[pd.DataFrame] = []
    for name, table in tables.items():
        frame = table.assign(corpus=name)
        for earlier in kept:
            frame = drop_overlap(frame, earlier)
        if kept:
            frame = frame.assign(split=frame["split"].replace("test", "train"))
        kept.append(frame)
    return pd.concat(kept, ignore_index=True)


def leave_out(tables: Mapping[str, pd.DataFrame], corpus: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mix without one corpus, and that corpus; no article is in both.

    What the corpus shares with the first table, the one that training starts from, goes from the corpus; what it
    shares with another goes from there.

    Raises
    ------
    ValueError
        If the corpus is not among the tables, or is the first of them.
    """
    first, *others = tables
    if corpus not in others:
        raise ValueError(
            f"Cannot leave out {corpus!r}: besides {first}, the corpora are {', '.join(others) or 'none'}."
        )
    out = drop_overlap(tables[corpus], tables[first]).assign(corpus=corpus)
    rest = {name: drop_overlap(table, out) for name, table in tables.items() if name != corpus}
    return mix(rest), out


def balance(corpora: Sequence[str], labels: Sequence[int], power: float = POWER) -> NDArray[np.float64]:
    """Weights of articles by the size of their class in their corpus, to the power of -`power`; their mean is 1.

    Parameters
    ----------
    corpora : sequence of str
        Corpus of each article.
    labels : sequence of int
    power : float
        In [0, 1].

    Returns
    -------
    ndarray of shape (n_articles,)
    """
    if not 0.0 <= power <= 1.0:
        raise ValueError(f"power must lie between 0 and 1, got {power}.")
    keys = [f"{corpus}\n{label}" for corpus, label in zip(corpora, labels, strict=True)]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    weights = counts[inverse].astype(np.float64) ** -power
    return np.asarray(weights / weights.mean(), dtype=np.float64)
