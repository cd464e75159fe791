"""The corpora by name: what the dataset tab lists and what `fakenews data` understands."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.data import demo, own
from fakenews.data.base import DatasetSpec, Removal, TextNotHere
from fakenews.data.formats import SUFFIXES
from fakenews.data.removals import KEEP, without_subject

if TYPE_CHECKING:
    import pandas as pd

CORPORA = Path(__file__).with_name("corpora.toml")


def _removal(values: dict[str, str]) -> Removal:
    pattern, keep = values.pop("without_subject", ""), values.pop("keep", "")
    return Removal(**values, keep=without_subject(pattern) if pattern else KEEP.get(keep))


def _specs() -> dict[str, DatasetSpec]:
    specs = {}
    for name, values in tomllib.loads(CORPORA.read_text(encoding="utf-8")).items():
        removals = tuple(map(_removal, values.pop("removals", ())))
        for_training = tuple(values.pop("for_training", ()))
        specs[name] = DatasetSpec(name, **values, removals=removals, for_training=for_training)
    return specs


DATASETS: dict[str, DatasetSpec] = _specs()


def get(name: str) -> DatasetSpec:
    """Return the corpus called `name`.

    Raise `ValueError` if there is none.
    """
    if name not in DATASETS:
        raise ValueError(f"Unknown corpus {name!r}. Known: {', '.join(DATASETS)}.")
    return DATASETS[name]


def check_new_name(name: str, folder: Path) -> None:
    """Refuse a name that cannot be that of a corpus to be added to a folder, or is taken.

    Raise `ValueError`.
    """
    if not own.NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be a name: use up to 40 lower-case letters, digits, hyphens and underscores, such as "
            "my-news."
        )
    if name in DATASETS:
        raise ValueError(f"{name!r} is the name of a corpus that fakenews knows: choose another.")
    if any((folder / f"{name}{suffix}").exists() for suffix in (".parquet", ".json")):
        raise ValueError(
            f'There is a corpus {name!r} in {folder}: choose another name, or run "fakenews data remove {name}" first.'
        )


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


def in_order(names: Collection[str]) -> list[str]:
    """Return names of corpora in the order of `DATASETS`, those it does not know behind, by the alphabet."""
    return [*(name for name in DATASETS if name in names), *sorted(set(names) - set(DATASETS))]


def title_of(name: str) -> str:
    """Return the name of a corpus for people."""
    return DATASETS[name].title if name in DATASETS else name


def may_be_copied(name: str) -> bool:
    """Return whether texts of a corpus may be copied; a corpus that is not known is the user's own."""
    return name not in DATASETS or DATASETS[name].may_be_copied


def is_foreign_article_corpus(name: str) -> bool:
    """Return whether a corpus holds articles that neither the training corpus nor this project wrote.

    So does one that is not known here: evidence on claims and posts of a user's own says so by its protocol.
    """
    return name not in ("isot", "demo") and (name not in DATASETS or DATASETS[name].unit == "article")


def load(name: str, folder: Path | None = None, remove: Iterable[str] = ()) -> pd.DataFrame:
    """Read a corpus.

    Raise `ValueError` if the corpus or a removal is unknown, or the file breaks the table's promise; `TextNotHere` if
    the text is not on this machine; the message says how to get it.

    `name` is a key of `DATASETS`, `folder` that of parquet files, as FAKENEWS_DATA names it; the demo articles need
    none. `remove` names the corpus's `removals` to apply.
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
    """Return the file that holds the text of a corpus, one that was added to the folder included.

    Raise `TextNotHere` if the folder or the file is missing.
    """
    if name not in DATASETS and name in own.corpora(folder):
        return Path(str(folder)) / f"{name}.parquet"
    spec = get(name)
    if name == demo.NAME:
        return demo.PATH
    if folder is None:
        raise TextNotHere(f"The text of {spec.title} is not here: FAKENEWS_DATA names no folder. {spec.get_hint}")
    path = Path(folder) / f"{name}.parquet"
    if not path.is_file():
        raise TextNotHere(f"The text of {spec.title} is not here: there is no {path}. {spec.get_hint}")
    return path


def find_table(table: str | Path, folder: Path | None) -> Path:
    """Return the file of a table that is given as a path, or by the name of a corpus in the folder.

    Raise `TextNotHere` if it is neither.
    """
    path = Path(table)
    if path.exists() or len(path.parts) != 1 or path.name.lower().endswith(SUFFIXES):
        return path
    if str(table) in DATASETS:
        return find(str(table), folder)
    if folder is None or not (folder / f"{table}.parquet").is_file():
        known = ", ".join(own.corpora(folder)) or "none"
        raise TextNotHere(f"{table} is neither a file nor a corpus here. Corpora that were added: {known}.")
    return folder / f"{table}.parquet"
