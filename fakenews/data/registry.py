"""The corpora by name: what the dataset tab lists and what `fakenews data` understands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.data import (
    allsides,
    coaid,
    constraint,
    ctfan,
    demo,
    fakehealth,
    fakenewsamt,
    fakenewsnet,
    fakes,
    golbeck,
    gossipcop,
    hoax_sites,
    horne2017,
    isot,
    liar,
    recovery,
    webis2016,
)
from fakenews.data.base import DatasetSpec, TextNotHere

if TYPE_CHECKING:
    import pandas as pd

DATASETS: dict[str, DatasetSpec] = {
    "demo": demo.SPEC,
    "isot": isot.SPEC,
    "horne2017": horne2017.SPEC,
    "fakenewsamt": fakenewsamt.SPEC,
    "fakenewsnet": fakenewsnet.SPEC,
    "gossipcop": gossipcop.SPEC,
    "gossipcop_subset": gossipcop.SUBSET,
    "webis2016": webis2016.SPEC,
    "recovery": recovery.SPEC,
    "ctfan": ctfan.SPEC,
    "fakes": fakes.SPEC,
    "fakehealth_release": fakehealth.SPEC,
    "coaid_news": coaid.NEWS,
    "coaid_claims": coaid.CLAIMS,
    "constraint": constraint.SPEC,
    "liar": liar.SPEC,
    "liar2_valtest": liar.LIAR2,
    "golbeck_fake_satire": golbeck.SPEC,
    "horne2017_satire": horne2017.SATIRE,
    "hoax_sites_fake": hoax_sites.SPEC,
    "allsides_real": allsides.SPEC,
}


def get(name: str) -> DatasetSpec:
    """Return the corpus called `name`.

    Raise `ValueError` if there is none.
    """
    if name not in DATASETS:
        raise ValueError(f"Unknown corpus {name!r}. Known: {', '.join(DATASETS)}.")
    return DATASETS[name]


def for_training(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a corpus that models are trained on; all of them of a corpus that is not known here."""
    spec = DATASETS.get(name)
    for removal in (spec.removal(r) for r in spec.for_training) if spec else ():
        assert removal.keep is not None
        frame = frame[removal.keep(frame)].reset_index(drop=True)
    return frame


def family_of(name: str) -> str:
    """Return the source that a corpus shares with others; an unknown corpus is its own."""
    return (DATASETS[name].family if name in DATASETS else "") or name


def is_foreign_article_corpus(name: str) -> bool:
    """Return whether a corpus holds articles that neither the training corpus nor this project wrote."""
    return name in DATASETS and name not in ("isot", "demo") and DATASETS[name].unit == "article"


def load(name: str, folder: Path | None = None, remove: Iterable[str] = ()) -> pd.DataFrame:
    """Read a corpus.

    Parameters
    ----------
    name : str
        Key of `DATASETS`.
    folder : Path, optional
        Folder of parquet files, as FAKENEWS_DATA names it; the demo articles need none.
    remove : iterable of str
        Names of the corpus's `removals` to apply.

    Returns
    -------
    DataFrame
        As `table.read_table` gives it.

    Raises
    ------
    ValueError
        If the corpus or a removal is unknown, or the file breaks the table's promise.
    TextNotHere
        If the text is not on this machine; the message says how to get it.
    """
    from fakenews.data.exact import drop_overlap
    from fakenews.data.table import read_table

    removals = [get(name).removal(r) for r in ([remove] if isinstance(remove, str) else remove)]
    frame = read_table(find(name, folder))
    for removal in removals:
        if removal.overlap_with:
            frame = drop_overlap(frame, load(removal.overlap_with, folder))
        if removal.keep:
            frame = frame[removal.keep(frame)].reset_index(drop=True)
    return frame


def find(name: str, folder: Path | None = None) -> Path:
    """Return the file that holds the text of a corpus.

    Raise `TextNotHere` if the folder or the file is missing.
    """
    spec = get(name)
    if name == demo.SPEC.name:
        return demo.PATH
    if folder is None:
        raise TextNotHere(f"The text of {spec.title} is not here: FAKENEWS_DATA names no folder. {spec.get_hint}")
    path = Path(folder) / f"{name}.parquet"
    if not path.is_file():
        raise TextNotHere(f"The text of {spec.title} is not here: there is no {path}. {spec.get_hint}")
    return path
