"""Corpora that a user added: a parquet file of articles, a JSON file that says how it came about, and evidence.

They lie in the folder that FAKENEWS_DATA names, or in `data` beside the models, under a name of the user's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakenews.schema import LABELS, JsonValue

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?")
EVIDENCE = "evidence"  # in the folder of corpora: what models answered, by corpus and model
SCHEMA = 1
ARTICLE_WORDS = 40  # in the median, from which rows are articles; models are out of their depth on shorter ones


@dataclass(frozen=True, slots=True)
class OwnCorpus(JsonValue):
    """A corpus that was added."""

    name: str
    origin: str  # the file or data set it was read from, with its revision
    date: str  # of the day it was added
    labels: dict[str, str]  # what each value of the label was read as
    because: str  # what said so
    # rows, fake, real: articles that were kept
    rows: int
    fake: int
    real: int
    splits: dict[str, int]  # articles of each part; near duplicates are in one
    unit: str
    sha256: str  # of the parquet file
    notes: list[str] = field(default_factory=list)  # sentences on rows that were left out
    audit: dict[str, Any] = field(default_factory=dict)  # `audit.AuditReport.to_dict()`

    def sentence(self) -> str:
        """Say how its labels were read when it was added, and what was left out."""
        values = {name: " and ".join(v for v, label in self.labels.items() if label == name) for name in LABELS}
        read = ", ".join(f"{v} was read as {name}" for name, v in values.items() if v)
        return " ".join([f"Label {read} ({self.because}), from {self.origin}.", *self.notes])


def corpora(folder: Path | None) -> dict[str, OwnCorpus]:
    """Return the corpora that were added to a folder, by name; a file that is none of ours is passed over."""
    found = {}
    for path in sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else ():
        if NAME.fullmatch(path.stem) and path.with_suffix(".parquet").is_file():
            try:
                values = json.loads(path.read_text(encoding="utf-8"))
                if values.pop("schema", None) == SCHEMA:
                    found[path.stem] = OwnCorpus.from_dict(values)
            except (ValueError, AttributeError, OSError):
                continue
    return found


def check_writable(folder: Path) -> None:
    """Make the folder if it is missing.

    Raise `ValueError` if nothing can be written to it.
    """
    probe = folder / f".{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"Nothing can be written to {folder} ({(error.strerror or type(error).__name__).lower()}): let "
            "FAKENEWS_DATA name a folder of your own."
        ) from error


def write(corpus: OwnCorpus, folder: Path) -> None:
    """Write down how a corpus came about; its articles are there already."""
    path = folder / f"{corpus.name}.json"
    partial = path.with_name(f".{path.name}.partial")
    values = {"schema": SCHEMA, **corpus.to_dict()}
    partial.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def remove(name: str, folder: Path) -> None:
    """Remove a corpus that was added, with its evidence.

    Raise `ValueError` if there is none of that name.
    """
    known = corpora(folder)
    if name not in known:
        raise ValueError(f"{name!r} was not added to {folder}. Added: {', '.join(known) or 'none'}.")
    check_writable(folder)
    shutil.rmtree(folder / EVIDENCE / name, ignore_errors=True)
    for suffix in (".json", ".parquet"):
        (folder / f"{name}{suffix}").unlink()


def evidence_folder(folder: Path, corpus: str, model: str) -> Path:
    """Return where the answers of a model to a corpus are kept."""
    return folder / EVIDENCE / corpus / model


def evidence_folders(folder: Path | None, model: str) -> list[Path]:
    """Return the folders with answers of a model, one for each corpus."""
    if folder is None:
        return []
    return sorted(p.parent for p in folder.glob(f"{EVIDENCE}/*/{model}/evaluation.json"))


def unit_of(frame: pd.DataFrame) -> str:
    """Return what the rows of a table are, by their length."""
    words = frame["text"].str.count(r"\S+").median()
    return "article" if words >= ARTICLE_WORDS else "claim"
