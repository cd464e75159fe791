"""What a corpus is known by: one frozen `DatasetSpec` per corpus, and the removals a reader may ask for by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

# Licenses of the texts themselves, stated beside them and nothing else.
_FREE = re.compile(r"(?:Apache-2\.0|MIT|CC0(?: 1\.0)?|CC BY(?:-NC)?(?:-SA)? \d\.\d)$")
Unit = Literal["article", "claim", "post"]


class TextNotHere(LookupError):
    """Raised when the text of a corpus is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that may be left out of a corpus, by name and with a reason."""

    name: str  # what `registry.load` takes in `remove`
    reason: str  # why a measurement may be better without these rows; one sentence
    # gives a boolean series over the rows of the table, False where a row goes
    keep: Callable[[pd.DataFrame], pd.Series] | None = None
    overlap_with: str = ""  # name of another corpus whose articles go (`exact.drop_overlap`), instead of `keep`


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """A corpus: where it comes from, what its labels meant, how to get its text."""

    name: str  # key in the registry; its text lies in `<name>.parquet`
    title: str
    description: str
    homepage: str
    license: str  # "(unverified)" where it is remembered from the home page and not stated beside the rows
    citation: str
    label_meaning: str  # what the corpus's own labels meant and how they map to `schema.LABELS`
    n_rows: int  # rows of the table the published figures were computed on
    unit: Unit = "article"  # what one row is; models trained on articles are out of their depth on the other two
    get_hint: str = ""  # one sentence on how to get the text; of a corpus that no command fetches, where to put it
    removals: tuple[Removal, ...] = ()
    sha256: str | None = None  # checksum of that table; a file with another one holds other rows
    for_training: tuple[str, ...] = ()  # names of the removals that are applied before a model is trained on the corpus
    # source that it shares with other corpora of that family, which are left out of training together; its own name if
    # empty
    family: str = ""

    def __post_init__(self) -> None:
        hint = (
            f"Get it at {self.homepage}, save it as {self.name}.parquet with the columns text and label (0 fake, 1 "
            "real), and let FAKENEWS_DATA name the folder."
        )
        object.__setattr__(self, "get_hint", self.get_hint or hint)

    @property
    def may_be_copied(self) -> bool:
        """Return whether its license is known to let anyone pass the texts on; one that is unverified is not."""
        return bool(_FREE.match(self.license))

    def removal(self, name: str) -> Removal:
        """Return the removal called `name`.

        Raise `ValueError` if this corpus has none of that name.
        """
        known = {r.name: r for r in self.removals}
        if name not in known:
            raise ValueError(f"Unknown removal {name!r} for {self.name}. Known: {', '.join(known) or 'none'}.")
        return known[name]
