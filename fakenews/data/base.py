"""What a corpus is known by: one frozen `DatasetSpec` per corpus, and the removals a reader may ask for by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Unit = Literal["article", "claim", "post"]


class TextNotHere(LookupError):
    """Raised when the text of a corpus is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that may be left out of a corpus, by name and with a reason.

    Attributes
    ----------
    name : str
        What `registry.load` takes in `remove`.
    reason : str
        Why a measurement may be better without these rows; one sentence.
    keep : callable, optional
        Gives a boolean series over the rows of the table, False where a row goes.
    overlap_with : str
        Name of another corpus whose articles go (`exact.drop_overlap`), instead of `keep`.
    """

    name: str
    reason: str
    keep: Callable[[pd.DataFrame], pd.Series] | None = None
    overlap_with: str = ""


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """A corpus: where it comes from, what its labels meant, how to get its text.

    Attributes
    ----------
    name : str
        Key in the registry; its text lies in `<name>.parquet`.
    unit : {"article", "claim", "post"}
        What one row is; models trained on articles are out of their depth on the other two.
    license : str
        "(unverified)" where it is remembered from the home page and not stated beside the rows.
    label_meaning : str
        What the corpus's own labels meant and how they map to `schema.LABELS`.
    n_rows : int
        Rows of the table the published figures were computed on.
    sha256 : str or None
        Checksum of that table; a file with another one holds other rows.
    get_hint : str
        One sentence on how to get the text; of a corpus that no command fetches, where to put it.
    for_training : tuple of str
        Names of the removals that are applied before a model is trained on the corpus.
    family : str
        Source that it shares with other corpora of that family, which are left out of training together; its own
        name if empty.
    """

    name: str
    title: str
    description: str
    homepage: str
    license: str
    citation: str
    label_meaning: str
    n_rows: int
    unit: Unit = "article"
    get_hint: str = ""
    removals: tuple[Removal, ...] = ()
    sha256: str | None = None
    for_training: tuple[str, ...] = ()
    family: str = ""

    def __post_init__(self) -> None:
        hint = (
            f"Get it at {self.homepage}, save it as {self.name}.parquet with the columns text and label (0 fake, 1 "
            "real), and let FAKENEWS_DATA name the folder."
        )
        object.__setattr__(self, "get_hint", self.get_hint or hint)

    def removal(self, name: str) -> Removal:
        """Return the removal called `name`.

        Raise `ValueError` if this corpus has none of that name.
        """
        known = {r.name: r for r in self.removals}
        if name not in known:
            raise ValueError(f"Unknown removal {name!r} for {self.name}. Known: {', '.join(known) or 'none'}.")
        return known[name]
