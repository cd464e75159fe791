"""Several corpora as one training table: no article twice, every corpus split on its own, one of them left out at will.

ISOT alone teaches how one agency writes. What transfers is what several corpora agree on, so each of them, and each
class in it, is given a say that does not grow with its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.data.duplicates import near_copies, near_duplicate_groups
from fakenews.data.exact import drop_overlap
from fakenews.data.registry import family_of
from fakenews.data.splits import SPLITS, grouped_split

if TYPE_CHECKING:
    import pandas as pd

CORPUS, GROUP = "corpus", "group"
POWER = 0.75  # 0 counts every article alike, 1 every class of every corpus; measured on corpora left out


def with_split(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its own split, or with a grouped stratified 70/15/15 one where it has none.

    Raise `ValueError` if it has too few different articles to share out.
    """
    if set(SPLITS) <= set(frame["split"]):
        return frame
    groups = near_duplicate_groups(frame["text"].tolist())
    return frame.assign(split=grouped_split(frame["label"].tolist(), groups), group=groups)


def mix(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables, with the column corpus; an article that stands in several is kept in the first.

    Only the first keeps a test part. The others are small, and what they are worth is measured by leaving each of them
    out whole, so their test rows are trained on too; a validation part remains to be looked at.

    `tables` are those of `table.read_table`, by name of the corpus, with their splits (`with_split`): a corpus has the
    same parts alone and among others.
    """
    import pandas as pd

    deduplicated: list[pd.DataFrame] = []
    for name, table in tables.items():
        frame = table.assign(corpus=name)
        for earlier in deduplicated:
            frame = drop_overlap(frame, earlier)
        if deduplicated:
            frame = frame.assign(split=frame["split"].replace("test", "train"))
        deduplicated.append(frame)
    return pd.concat(deduplicated, ignore_index=True)


def leave_out(tables: Mapping[str, pd.DataFrame], corpus: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the mix without one corpus and its family, and that corpus; no article is in both.

    Tables of the same family (`registry.family_of`) are not trained on. What the corpus shares with the first table,
    the one that training starts from, goes from the corpus; what it shares with another goes from there: the same
    opening or title (`exact.drop_overlap`), or a near duplicate (`duplicates.near_copies`).

    Raise `ValueError` if the corpus is not among the tables, is the first of them or of the family of the first.
    """
    first, *others = tables
    if corpus not in others:
        raise ValueError(
            f"Cannot leave out {corpus!r}: besides {first}, the corpora are {', '.join(others) or 'none'}."
        )
    if family_of(corpus) == family_of(first):
        raise ValueError(f"Cannot leave out {corpus!r}: it shares its source with {first}, which training starts from.")
    out = _without(tables[corpus], tables[first]).assign(corpus=corpus)
    rest = {
        name: table if name == first else _without(table, out)
        for name, table in tables.items()
        if family_of(name) != family_of(corpus)
    }
    return mix(rest), out


def _without(frame: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `frame` whose article is not in `reference`, not even nearly."""
    frame = drop_overlap(frame, reference)
    near = near_copies(frame["text"].tolist(), reference["text"].tolist())
    return frame[~near].reset_index(drop=True)


def balance(corpora: Sequence[str], labels: Sequence[int], power: float = POWER) -> NDArray[np.float64]:
    """Return weights of articles by the size of their class in their corpus to the power of -`power`, mean 1.

    Of shape (n_articles,), for the corpus and the label of each; `power` lies in [0, 1].
    """
    if not 0.0 <= power <= 1.0:
        raise ValueError(f"power must lie between 0 and 1, got {power}.")
    keys = [f"{corpus}\n{label}" for corpus, label in zip(corpora, labels, strict=True)]
    _, inverse, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    weights = sizes[inverse].astype(np.float64) ** -power
    return np.asarray(weights / weights.mean(), dtype=np.float64)
