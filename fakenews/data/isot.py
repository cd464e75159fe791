"""ISOT, the training corpus: Reuters news against sites that fact-checkers flagged."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fakenews.schema import FAKE, REAL

if TYPE_CHECKING:
    import pandas as pd

NAME = "isot"
FILES = {"Fake.csv": FAKE, "True.csv": REAL}
COLUMNS = ("title", "text", "subject", "date")
SUBJECTS = {
    **dict.fromkeys(("politicsNews", "worldnews"), REAL),
    **dict.fromkeys(("News", "politics", "left-news", "Government News", "US_News", "Middle-east"), FAKE),
}
_DATE_FORMATS = ("%B %d, %Y", "%b %d, %Y", "%d-%b-%y", "%Y-%m-%d")


def load_isot_csv(folder: Path) -> pd.DataFrame:
    """Read the public `Fake.csv` and `True.csv` into the table.

    The label comes from the file name. Line ends become LF, outer space goes, dates become ISO where they can be
    read; equal texts are kept once, texts that stand in both files and rows without text are dropped.

    Raise `FileNotFoundError` if a file is missing; the message names what the folder holds; `ValueError` if a column is
    missing, a file is no CSV, or a subject belongs to the other file.

    Parameters
    ----------
    folder : Path
        Holds both files, by names in any case, in UTF-8 or Windows-1252, with the columns title, text, subject and
        date.
    """
    import pandas as pd

    from fakenews.data.exact import drop_repeats
    from fakenews.data.table import as_table

    frames = [_read(folder, name, label) for name, label in FILES.items()]
    return drop_repeats(as_table(pd.concat(frames, ignore_index=True), "ISOT"))


def find_file(folder: Path, name: str) -> Path:
    """Return the file of a folder that is called `name`, in any case if not exactly so.

    Raise `FileNotFoundError` if there is none; the message names what the folder holds.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    alike = [p for p in files if p.name.lower() == name.lower() and p.is_file()]
    if not alike:
        names = ", ".join(p.name for p in files[:10]) if folder.is_dir() else "no such folder"
        raise FileNotFoundError(f"{folder} must hold Fake.csv and True.csv; found: {names or 'nothing'}.")
    return next((p for p in alike if p.name == name), alike[0])


def _read(folder: Path, name: str, label: int) -> pd.DataFrame:
    from fakenews.data.table import read_csv

    frame = read_csv(find_file(folder, name))
    missing = [c for c in COLUMNS if c not in frame]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}: it has {', '.join(map(str, frame.columns))}.")
    frame = frame[list(COLUMNS)].apply(lambda column: column.str.replace(r"\r\n?", "\n", regex=True).str.strip())
    strangers = sorted({s for s in frame["subject"] if SUBJECTS.get(s, label) != label})
    if strangers:
        raise ValueError(f"{name} holds the subject {', '.join(strangers)} of the other file: are the two swapped?")
    return frame.assign(label=label, date=frame["date"].map(iso_day))


def iso_day(date: str) -> str:
    """Convert an ISOT date ("December 31, 2017", "19-Feb-18") to an ISO day; anything else is unchanged."""
    for layout in _DATE_FORMATS:
        try:
            return datetime.strptime(date.strip(), layout).date().isoformat()
        except ValueError:
            continue
    return date
